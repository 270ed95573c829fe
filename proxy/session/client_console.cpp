// What the console has of a client: its figures; and the client itself, if that is where it wants to go.
#include <utility>

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

ClientFigures::State shown(ClientSession::State state, bool has_server) {
  switch (state) {
    case ClientSession::State::login:
      return ClientFigures::State::login;
    case ClientSession::State::waiting:
      return ClientFigures::State::waiting;
    case ClientSession::State::proving:
      return has_server ? ClientFigures::State::active : ClientFigures::State::waiting;
    case ClientSession::State::active:
      return ClientFigures::State::active;
    case ClientSession::State::cancel:
      return ClientFigures::State::cancel;
    case ClientSession::State::idle:
    case ClientSession::State::flushing:
    case ClientSession::State::ended:
      break;
  }
  return ClientFigures::State::idle;
}

}  // namespace

ClientFigures ClientSession::figures() const {
  ClientFigures figures;
  figures.id = id_;
  figures.state = shown(state_, server_ != nullptr);
  if (pool_ != nullptr) figures.key = pool_->key();
  if (server_ != nullptr) figures.server = server_->id();
  if (parameters_) figures.application_name = application_name();
  if (statements_) figures.statements = statements_->size();
  figures.pins = pinned_by();
  figures.connected_at = connected_at_;
  figures.asked_at = requested_at_;
  const bool is_riding = server_ != nullptr && server_->is_unproved();
  if (is_riding) figures.state = ClientFigures::State::waiting;
  if (is_waiting() || is_riding) figures.wait = context_.world().loop.now() - waiting_since();
  figures.stream = stream_->figures();
  return figures;
}

// Another class goes on with it; of this session nothing is left.
void ClientSession::go_to_console() {
  stream_->listen(nullptr, Interest::none);
  context_.open_console({id_, std::move(stream_), std::move(inbox_), std::move(outlet_), login_->startup(),
                         new_cancel_secret()});
  become(State::ended);
  context_.on_session_ended(*this);
}

}  // namespace ballast
