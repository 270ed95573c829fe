// A login whose end its first lessee does not wait for: what it asks leaves right behind our last word, and
// is read by the server once that has let us in (manual, 55.2.1: a server reads one message after the other).
// It costs no trip of its own then.
#include <utility>

#include "proxy/pool/server_connection.hpp"

namespace ballast {

std::size_t ServerConnection::advance_login(std::string_view bytes) {
  std::size_t consumed = 0;
  std::string nothing;  // our last word has been written
  switch (login_.login->receive(bytes, consumed, nothing)) {
    case ServerLogin::Step::need_more:
      break;
    case ServerLogin::Step::ready:
      finish_login();
      break;
    case ServerLogin::Step::failed:
      break_with(login_.login->error());
      break;
  }
  return consumed;
}

// Its lessee has asked in the belief that it would be in the state in which the one before it was.
void ServerConnection::finish_login() {
  const std::unique_ptr<ServerLogin> login = std::move(login_.login);
  process_id_ = login->process_id();
  cancel_secret_ = login->cancel_secret();
  const ReportedParameters believed = std::exchange(reported_, {});
  for (const auto& [name, value] : login->parameters()) reported_[name] = value;
  owner_.on_logged_in(*this, reported_);
  login_.users.reset();
  if (reported_ != believed) {
    return break_with({Severity::fatal,
                       std::string(sqlstate::connection_failure),
                       "the server's parameters are others than at the last login",
                       {},
                       {}});
  }
  is_unproved_ = false;
  since_ = active_at_ = loop_.now();
  pipeline_.receive_ready(TransactionStatus::idle);
  if (lessee_ != nullptr) lessee_->on_let_in();
  own_query_done(OwnQuery::login);
}

void ServerConnection::outlive_lessee() {
  unlease();
  run_own("", OwnQuery::last);
  become(State::settling);
  flush();
}

}  // namespace ballast
