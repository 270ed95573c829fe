// ServerHold keeps a server from its next owner; see server_connection.hpp.
#include "proxy/pool/server_connection.hpp"

namespace ballast {

ServerHold::ServerHold(ServerConnection& server) : server_(&server) { server.holds_.push_back(*this); }

ServerHold::~ServerHold() {
  if (server_ == nullptr) return;
  server_->holds_.erase(server_->holds_.iterator_to(*this));
  if (!server_->is_held()) server_->owner_.on_unheld(*server_);
}

void ServerConnection::release_holds() {
  for (ServerHold& hold : holds_) hold.server_ = nullptr;
  holds_.clear();
}

}  // namespace ballast
