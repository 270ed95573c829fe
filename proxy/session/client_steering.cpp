// What an operator does to a client: SUSPEND, KILL.
#include <string>

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

// Logins go on, up to where the client is to be served.
bool ClientSession::is_suspended() const {
  return context_.pools().gates().is_suspended && (state_ == State::idle || state_ == State::active);
}

bool ClientSession::is_busy() const {
  if (state_ == State::waiting || state_ == State::proving) return true;
  return (server_ != nullptr && !server_->pipeline().at_rest()) || !outlet_.empty();
}

// The end of the connection alone would not stop it.
void ClientSession::stop_query() {
  if (!server_->cancel_secret().empty()) context_.stop_query(*server_);
}

void ClientSession::kill() {
  if (server_ != nullptr && !server_->pipeline().at_rest()) stop_query();
  end({Severity::fatal,
       std::string(sqlstate::admin_shutdown),
       "terminating connection due to administrator command",
       {},
       {}});
}

}  // namespace ballast
