// Session: one client's connection from accept to its end: Front, then Relay, then the way it ends.
//
//   Session::begin(socket, world)   and it lives as long as it needs
//
// One thread.
#pragma once

#include <memory>

#include "tests/neon/client_stream.hpp"
#include "tests/neon/front.hpp"
#include "tests/neon/relay.hpp"
#include "tests/neon/world.hpp"

namespace ballast::neon {

class Session final : public Connection {
 public:
  static void begin(ClientStream::Tcp socket, World& world);

  Session(ClientStream::Tcp socket, World& world);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void sever(Ending ending) override;
  bool is_pooled() const override { return front_.is_pooled(); }
  bool is_in_session() const override { return relay_ && !relay_->is_over(); }
  void disturb(const ErrorRow& row) override;

 private:
  static Task<void> live(std::unique_ptr<Session> session);
  Task<void> serve();
  Task<void> relay();
  Task<void> end();

  World& world_;
  ClientStream client_;
  Timeline timeline_;
  Front front_;
  std::unique_ptr<Relay> relay_;
  Ending ending_ = Ending::eof;
  bool is_severed_ = false;
};

}  // namespace ballast::neon
