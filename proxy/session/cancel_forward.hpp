// CancelForward: one CancelRequest on its way to a server. The server is held, so that nobody else gets it
// before the cancel connection has closed: PostgreSQL signals the backend before it closes that connection,
// so a late cancel can't hit the next owner (pgbouncer#717). One thread; ends by itself or at its deadline.
#pragma once

#include <functional>
#include <memory>

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/outlet.hpp"
#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/server_connection.hpp"

namespace ballast {

class CancelForward final : public Mortal, public StreamListener {
 public:
  // `done` is called once and may bury the CancelForward.
  CancelForward(World& world, const UpstreamTarget& target, ServerConnection& server, TimePoint deadline,
                std::function<void(CancelForward&)> done);

  TimePoint deadline() const { return deadline_; }
  // Gives it up: the server is released, and may still get the request if it is on its way; it is retired
  // then.
  void give_up();
  // Tries to send, if that had to wait.
  void tick();

  void on_readable() override;
  void on_writable() override;

 private:
  void on_connected(ConnectResult result);
  void send_request();
  void finish();

  TimePoint deadline_;
  std::function<void(CancelForward&)> done_;
  ServerHold hold_;
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Stream> stream_;
  Outlet outlet_;
  bool sent_ = false;  // has the request been written?
};

}  // namespace ballast
