#include "tests/sim/backend.hpp"

#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast::sim {

namespace {
// An error in one of these makes the server skip all up to the next Sync.
bool is_extended(FrontendType type) {
  switch (type) {
    case FrontendType::parse:
    case FrontendType::bind:
    case FrontendType::describe:
    case FrontendType::execute:
    case FrontendType::close:
    case FrontendType::flush:
      return true;
    default:
      return false;
  }
}
}  // namespace

PgError Backend::start(const StartupParameters& parameters) {
  return settings_.start(parameters).value_or(PgError{});
}

Backend::Step Backend::step(std::string& out) {
  if (is_over_) return Step::ended;
  if (is_sleeping_) return Step::sleeping;
  if (is_in_script_ && !copy_.is_active) {
    continue_script(out);
    return is_sleeping_ ? Step::sleeping : Step::working;
  }
  if (inbox_.empty()) return Step::waiting;
  return take_message(out);
}

Backend::Step Backend::take_message(std::string& out) {
  const Message message = std::move(inbox_.front());
  inbox_.pop_front();
  if (copy_.is_active) {
    take_copy_message(message, out);
    return is_over_ ? Step::ended : Step::working;
  }
  const auto type = static_cast<FrontendType>(message.type);
  is_extended_ = is_extended(type);
  if (type == FrontendType::sync || type == FrontendType::terminate) is_skipping_ = false;
  if (is_skipping_) return Step::working;
  return dispatch(message, out);
}

Backend::Step Backend::dispatch(const Message& message, std::string& out) {
  const auto type = static_cast<FrontendType>(message.type);
  if (type != FrontendType::sync && type != FrontendType::flush && type != FrontendType::close)
    is_untouched_ = false;
  switch (type) {
    case FrontendType::query:
      begin_script(Reader(message.body).cstring(), out);
      break;
    case FrontendType::function_call:
      call_function(message.body, out);
      break;
    case FrontendType::parse:
      parse(message.body, out);
      break;
    case FrontendType::bind:
      bind(message.body, out);
      break;
    case FrontendType::describe:
      describe(message.body, out);
      break;
    case FrontendType::execute:
      execute(message.body, out);
      break;
    case FrontendType::close:
      close(message.body, out);
      break;
    case FrontendType::flush:
      is_flush_due_ = true;
      ++demands_;
      break;
    case FrontendType::sync:
      sync(out);
      break;
    case FrontendType::copy_data:
    case FrontendType::copy_done:
    case FrontendType::copy_fail:
      break;  // of a COPY that is over
    case FrontendType::terminate:
      is_over_ = true;
      return Step::ended;
    default: {
      return end_with(fatal("08P01", "invalid frontend message type " +
                                         std::to_string(static_cast<unsigned char>(message.type))),
                      out);
    }
  }
  return is_sleeping_ ? Step::sleeping : Step::working;
}

Backend::Step Backend::end_with(const PgError& error, std::string& out) {
  write_error(out, error);
  is_flush_due_ = true;
  is_over_ = true;
  return Step::ended;
}

void Backend::sync(std::string& out) {
  finish_transaction();
  ready(out);
}

// One argument, which is the result.
void Backend::call_function(std::string_view body, std::string& out) {
  start_transaction();
  Reader reader(body);
  reader.int32();
  reader.int16();
  reader.int16();
  const std::int32_t size = reader.int32();
  const std::string_view argument = reader.bytes(static_cast<std::size_t>(size));
  if (refuse_in_failed_block(nullptr, out)) return ready(out);
  tokens_.emplace_back(argument);
  MessageWriter(out, BackendType::function_call_response).int32(size).bytes(argument);
  finish_transaction();
  ready(out);
}

void Backend::wake(std::string& out) {
  is_sleeping_ = false;
  if (!is_sleep_extended_) describe_row(out);
  send_rows(sleeping_, 1, out);
  complete("SELECT 1", out);
  if (is_sleep_extended_) end_portal(Ended::done);
}

void Backend::cancel(std::string& out) {
  if (copy_.is_active) {
    is_cancel_due_ = true;
  } else if (std::exchange(is_sleeping_, false)) {
    is_extended_ = is_sleep_extended_;
    fail({Severity::error, "57014", "canceling statement due to user request", "by the server", {}}, out);
    if (!is_sleep_extended_) end_script(out);
  }
}

// Transactions ------------------------------------------------------------------------------------

void Backend::start_transaction() {
  if (is_in_transaction_) return;
  is_in_transaction_ = true;
  settings_.begin();
}

void Backend::finish_transaction() {
  has_pipelined_ = false;
  if (block_ == Block::none && is_in_transaction_) commit();
}

void Backend::commit() {
  settings_.commit();
  portals_.clear();
  block_ = Block::none;
  is_in_transaction_ = false;
}

void Backend::roll_back() {
  settings_.roll_back();
  portals_.clear();
  block_ = Block::none;
  is_in_transaction_ = false;
}

void Backend::fail_untouched_block() {
  if (!is_block_untouched()) return;
  has_failed_untouched_ = block_ != Block::failed || has_failed_untouched_;
  abort();
}

void Backend::abort() {
  has_pipelined_ = false;
  if (block_ == Block::none) return roll_back();
  settings_.roll_back();
  for (auto& [name, portal] : portals_) portal.is_dead = true;
  block_ = Block::failed;
}

}  // namespace ballast::sim
