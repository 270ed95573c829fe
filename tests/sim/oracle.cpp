#include "tests/sim/oracle.hpp"

#include "protocol/error_message.hpp"
#include "protocol/writer.hpp"

namespace ballast::sim {

namespace {
std::size_t size_of_first(std::string_view messages) { return read_header(messages.data()).total(); }

bool is_error(std::string_view message, std::string_view sqlstate) {
  return message.front() == 'E' && read_error(message.substr(header_size)).sqlstate == sqlstate;
}

}  // namespace

std::string Oracle::login_report() {
  std::string out;
  backend_.report_parameters(out);
  return out;
}

void Oracle::sent(char type, std::string_view body) {
  if (is_refusing_) {
    if (type != static_cast<char>(FrontendType::sync)) return;
    is_refusing_ = false;
    return ready();
  }
  backend_.receive(type, body);
}

// Until something is owed. False: nothing is.
bool Oracle::work() {
  while (taken_ == out_.size()) {
    out_.clear();
    taken_ = 0;
    switch (backend_.step(out_)) {
      case Backend::Step::waiting:
        return !out_.empty();
      case Backend::Step::working:
        break;
      case Backend::Step::sleeping:
        backend_.wake(out_);
        break;
      case Backend::Step::ended:
        is_over_ = true;
        return !out_.empty();
    }
  }
  return true;
}

bool Oracle::accept(std::string_view message) {
  if (!work()) return false;
  const std::string_view owed = std::string_view(out_).substr(taken_);
  const std::string_view first = owed.substr(0, size_of_first(owed));
  if (first != message) return accept_failed_block(first, message) || accept_no_portal(first, message);
  taken_ += message.size();
  return true;
}

// A known difference: in a failed transaction the pooler may have to prepare a statement first that the
// client has already. That is refused because of the transaction, before PostgreSQL looks at the client's own
// Parse, Bind or Describe. If the block has failed for want of a server, and there is none still, the same is
// said of all that needs one, as a Parse of nothing.
bool Oracle::accept_failed_block(std::string_view owed, std::string_view message) {
  if (backend_.status() != TransactionStatus::failed || !is_error(message, "25P02")) return false;
  const auto type = static_cast<BackendType>(owed.front());
  if (type == BackendType::error_response) {  // and what PostgreSQL says behind it is the same
    taken_ += owed.size();
    return true;
  }
  if (type != BackendType::parameter_description && !backend_.has_failed_untouched()) return false;
  out_.clear();
  taken_ = 0;
  backend_.skip_to_sync();
  return true;
}

// Another: the portal of a BEGIN that the pooler has answered itself is no portal of the server's, in a block
// that has failed as little as before.
bool Oracle::accept_no_portal(std::string_view owed, std::string_view message) {
  if (!is_error(message, "34000") || !(is_error(owed, "55000") || is_error(owed, "25P02"))) return false;
  taken_ += owed.size();
  return true;
}

std::string Oracle::expected() {
  if (!work()) return {};
  const std::string_view owed = std::string_view(out_).substr(taken_);
  return std::string(owed.substr(0, size_of_first(owed)));
}

bool Oracle::refuse() {
  const bool is_in_use =
      backend_.is_in_transaction() && !backend_.is_block_untouched() && !backend_.has_failed_untouched();
  if (taken_ < out_.size() || is_in_use || backend_.is_copying_in()) return false;
  auto& inbox = backend_.inbox();
  const auto is_ignored = [](char type) { return type == 'H' || type == 'd' || type == 'c' || type == 'f'; };
  while (!inbox.empty() && is_ignored(inbox.front().type)) inbox.pop_front();
  if (inbox.empty()) return false;
  backend_.fail_untouched_block();
  const auto first = static_cast<FrontendType>(inbox.front().type);
  if (first == FrontendType::query || first == FrontendType::function_call) {
    inbox.pop_front();
    ready();
    return true;
  }
  while (!inbox.empty() && inbox.front().type != static_cast<char>(FrontendType::sync)) inbox.pop_front();
  is_refusing_ = inbox.empty();
  if (is_refusing_) return true;
  inbox.pop_front();
  ready();
  return true;
}

void Oracle::ready() {
  MessageWriter(out_, BackendType::ready_for_query).byte(static_cast<char>(backend_.status()));
}

bool Oracle::cancel() {
  if (taken_ < out_.size()) return false;
  while (!backend_.is_sleeping() && !backend_.is_copying_in()) {
    Backend ahead = backend_;
    std::string out;
    const Backend::Step step = ahead.step(out);
    if (!out.empty() || step == Backend::Step::waiting || step == Backend::Step::ended) return false;
    backend_ = std::move(ahead);
  }
  std::string out;
  backend_.cancel(out);
  for (auto step = Backend::Step::working; out.empty() && step == Backend::Step::working;)
    step = backend_.step(out);
  out_ = std::move(out);
  taken_ = 0;
  return !out_.empty();
}

bool Oracle::owes() const {
  if (taken_ > 0 && taken_ < out_.size()) return true;
  if (is_refusing_) return false;
  Backend ahead = backend_;
  std::string out = out_.substr(taken_);
  while (true) {
    const int demands = ahead.demands();
    switch (ahead.step(out)) {
      case Backend::Step::sleeping:
        ahead.wake(out);
        break;
      case Backend::Step::working:
        break;
      case Backend::Step::ended:
        return !out.empty();
      case Backend::Step::waiting:
        return false;
    }
    if (ahead.demands() != demands && !out.empty()) return true;
  }
}

}  // namespace ballast::sim
