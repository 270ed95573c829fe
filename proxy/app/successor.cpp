#include "proxy/app/successor.hpp"

#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/io/descriptor_passing.hpp"

namespace ballast {

namespace asio = boost::asio;
using handover::Protocol;

Successor::Successor(asio::io_context& control, const Settings& settings, Hooks hooks)
    : hooks_(std::move(hooks)), acceptor_(control) {
  const auto where = handover::meeting_point(settings);
  if (!where) return;
  boost::system::error_code error;
  acceptor_.open(where->protocol(), error);
  if (!error) acceptor_.bind(*where, error);
  if (!error) acceptor_.listen(1, error);
  if (error) {
    problem_ = error.message();
    acceptor_.close(error);
  } else {
    accept();
  }
}

// One at a time: who comes second is not answered, and gives up.
void Successor::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error && !socket_ && handover::is_ours(socket)) {
      socket_.emplace(std::move(socket));
      boost::system::error_code ignored;
      socket_->non_blocking(true, ignored);
      listen();
    }
    accept();
  });
}

void Successor::listen() {
  socket_->async_wait(Protocol::socket::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    const std::optional<Parcel> parcel = receive_parcel(socket_->native_handle());
    if (!parcel) {
      if (acceptor_.is_open()) log::warning("handover", "the process that was to replace this one has ended");
      return socket_.reset();
    }
    obey(parcel->text);
    if (socket_) listen();
  });
}

void Successor::obey(std::string_view text) {
  if (text == handover::take_over) return give_sockets();
  if (text == handover::serving) return leave();
  const auto cancel = handover::read_cancel(text);
  if (!cancel) return socket_.reset();
  hooks_.cancel(cancel->request, [this, number = cancel->number] {
    if (socket_) say(handover::text_of_cancelled(number));
  });
}

void Successor::give_sockets() {
  log::info("handover", "another process is about to take the place of this one");
  if (!say(handover::sockets, hooks_.sockets())) socket_.reset();
}

// The name is free before it hears of that, and takes it.
void Successor::leave() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  const auto peer = peer_process(socket_->native_handle());
  say(handover::leaving);
  hooks_.replaced(peer ? peer->pid : 0);
}

bool Successor::say(std::string_view text, const std::vector<int>& sockets) {
  return send_parcel(socket_->native_handle(), text, sockets);
}

}  // namespace ballast
