#include "protocol/pipeline.hpp"

#include <algorithm>
#include <cassert>

namespace ballast {

namespace {

bool ends_with_ready(RequestKind kind) {
  return kind == RequestKind::sync || kind == RequestKind::query || kind == RequestKind::function_call;
}

// What belongs to the implicit transaction that the next Sync ends.
bool is_extended(RequestKind kind) { return !ends_with_ready(kind) && kind != RequestKind::copy_end; }

}  // namespace

void Pipeline::add(const Request& request) {
  const bool ends_group = ends_with_ready(request.kind);
  if (ends_group) ++group_;
  if (ends_group && !copying_in_) {
    batch_is_open_ = false;
  } else if (is_extended(request.kind)) {
    batch_is_open_ = true;
  }
  if (skipping_ && request.kind != RequestKind::sync) {
    if (request.statement != 0) observer_.on_discarded(request);
    return;
  }
  skipping_ = false;
  if (copying_in_ && request.kind == RequestKind::sync) {
    ++swallowed_syncs_;
    return;
  }
  if (request.kind == RequestKind::copy_end) {
    if (copying_in_) {
      copying_in_ = false;
      return;
    }
    if (queue_empty()) return;
  }
  queue_.push_back(request);
}

void Pipeline::abandon() {
  for (; !queue_empty(); ++head_) {
    if (head().statement != 0) observer_.on_discarded(head());
  }
}

Pipeline::Verdict Pipeline::receive(BackendType type) {
  switch (type) {
    case BackendType::notice_response:
    case BackendType::parameter_status:
    case BackendType::notification_response:
      return Verdict::async;
    case BackendType::error_response:
      return fail();
    case BackendType::copy_in_response:
      return begin_copy_in();
    default:
      break;
  }
  if (queue_empty()) return Verdict::violation;
  const Verdict verdict = head().answer == Answer::forward ? Verdict::forward : Verdict::drop;
  const RequestKind asked = head().kind;
  switch (type) {
    case BackendType::parse_complete:
      return end_with(RequestKind::parse);
    case BackendType::bind_complete:
      return end_with(RequestKind::bind);
    case BackendType::close_complete:
      return end_with(RequestKind::close);
    case BackendType::parameter_description:
      return asked == RequestKind::describe ? verdict : Verdict::violation;
    case BackendType::no_data:
      return end_with(RequestKind::describe);
    case BackendType::row_description:
      // A simple query describes its rows too; an Execute never does.
      return asked == RequestKind::query ? verdict : end_with(RequestKind::describe);
    case BackendType::command_complete:
    case BackendType::empty_query_response:
      return asked == RequestKind::query ? verdict : end_with(RequestKind::execute);
    case BackendType::portal_suspended:
      return end_with(RequestKind::execute);
    case BackendType::data_row:
    case BackendType::copy_out_response:
    case BackendType::copy_both_response:
    case BackendType::copy_data:
    case BackendType::copy_done:
      return asked == RequestKind::query || asked == RequestKind::execute ? verdict : Verdict::violation;
    case BackendType::function_call_response:
      return asked == RequestKind::function_call ? verdict : Verdict::violation;
    default:
      return Verdict::violation;  // Authentication, BackendKeyData, ...: not after login
  }
}

Pipeline::Verdict Pipeline::receive_ready(TransactionStatus status) {
  if (queue_empty()) {
    if (swallowed_syncs_ == 0) return Verdict::violation;
    // The COPY failed before it had read the Sync that came with it: that Sync counts after all.
    --swallowed_syncs_;
    skipping_ = false;
    batch_is_open_ = false;
    status_ = status;
    return Verdict::forward;
  }
  const Request ended = head();
  if (!ends_with_ready(ended.kind)) return Verdict::violation;
  pop();
  copying_in_ = false;
  if (!doubtful_) swallowed_syncs_ = 0;
  status_ = status;
  if (ended.statement != 0) observer_.on_answered(ended);
  drop_stray_copy_ends();
  return ended.answer == Answer::forward ? Verdict::forward : Verdict::drop;
}

void Pipeline::pop() {
  ++head_;
  if (head_ == queue_.size()) {
    queue_.clear();
    head_ = 0;
  } else if (head_ >= 1024 && head_ * 2 >= queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void Pipeline::answered() {
  const Request ended = head();
  pop();
  if (ended.statement != 0) observer_.on_answered(ended);
  drop_stray_copy_ends();
}

Pipeline::Verdict Pipeline::end_with(RequestKind kind) {
  if (queue_empty() || head().kind != kind) return Verdict::violation;
  const Verdict verdict = head().answer == Answer::forward ? Verdict::forward : Verdict::drop;
  answered();
  return verdict;
}

// An error ends a Query or a call (their ReadyForQuery is still to come); of extended messages it takes all
// up to the next Sync with it, Queries included.
Pipeline::Verdict Pipeline::fail() {
  if (queue_empty()) return Verdict::violation;
  const Request failed = head();
  if (swallowed_syncs_ > 0) doubtful_ = true;
  copying_in_ = false;
  if (ends_with_ready(failed.kind)) {
    return failed.answer == Answer::forward ? Verdict::forward : Verdict::ours;
  }
  const bool is_own = failed.purpose != 0;
  bool is_first = true;
  while (!queue_empty() && head().kind != RequestKind::sync) {
    Request skipped = head();
    pop();
    skipped.has_failed = is_first;
    is_first = false;
    if (skipped.statement != 0) observer_.on_discarded(skipped);
  }
  skipping_ = queue_empty();
  if (is_own) return Verdict::ours;
  return Verdict::forward;  // also of a Parse that we put before the client's Bind: the client's statement
                            // failed
}

// COPY FROM STDIN reads on by itself: Syncs and Flushes that are already on their way are thrown away, up to
// the CopyDone or CopyFail, if that is on its way too.
Pipeline::Verdict Pipeline::begin_copy_in() {
  if (queue_empty()) return Verdict::violation;
  const Request copy = head();
  if (copy.kind != RequestKind::query && copy.kind != RequestKind::execute) return Verdict::violation;
  std::size_t next = head_ + 1;
  while (next < queue_.size() && queue_[next].kind == RequestKind::sync) ++next, ++swallowed_syncs_;
  copying_in_ = next == queue_.size();
  if (!copying_in_ && queue_[next].kind == RequestKind::copy_end) ++next;
  queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(head_) + 1,
               queue_.begin() + static_cast<std::ptrdiff_t>(next));
  const bool has_sync = std::any_of(queue_.begin() + static_cast<std::ptrdiff_t>(head_), queue_.end(),
                                    [](const Request& request) { return request.kind == RequestKind::sync; });
  if (copy.kind == RequestKind::execute && !has_sync) batch_is_open_ = true;
  return copy.answer == Answer::forward ? Verdict::forward : Verdict::drop;
}

void Pipeline::drop_stray_copy_ends() {
  while (!queue_empty() && head().kind == RequestKind::copy_end) pop();
}

}  // namespace ballast
