// What a server listens to, for its lessee.
#include <utility>

#include "proxy/pool/server_connection.hpp"

namespace ballast {

// The channel of marks is the client's no more than the queries here are: it is gone before its own requests.
void ServerConnection::listen_from(std::string_view mark_channel, Mark mark, const Channels& channels) {
  run_own(listen_and_set_mark(channels, mark_channel, mark), OwnQuery::listen);
  run_own(unlisten(mark_channel), OwnQuery::listen);
  channels_ = channels;
  residue_.left(Residue::listening);
}

// Two queries: what comes before the mark is told between them.
void ServerConnection::listen_until(std::string_view mark_channel, Mark mark) {
  run_own(set_mark(mark_channel, mark), OwnQuery::listen);
  run_own("UNLISTEN *", OwnQuery::listen);
  channels_.clear();
  residue_.gone(Residue::listening);
}

void ServerConnection::listen(const Channels& begun, const Channels& ended) {
  run_own(listen_to(begun) + unlisten(ended), OwnQuery::listen);
}

void ServerConnection::listened() {
  if (!own_error_.message.empty()) return break_with(std::exchange(own_error_, {}));
  lessee_->on_listened();
}

void ServerConnection::relay_on() {
  if (!is_waiting_) return;
  is_waiting_ = false;
  read_on(inbox_.kept());
  if (broken_) return;
  resume_reading();
  if (lessee_ != nullptr) lessee_->on_answers_end();
}

}  // namespace ballast
