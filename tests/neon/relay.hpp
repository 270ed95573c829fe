// Relay: a session's bytes, in both directions, as Neon's proxy copies them: without a look at them, no idle
// timeout and no limit of age, unless the knobs set some.
//
//   await relay.run()   until one side has ended; ending() says how the other is to end
//
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/neon/backend.hpp"
#include "tests/neon/client_stream.hpp"
#include "tests/neon/lane.hpp"
#include "tests/neon/world.hpp"

namespace ballast::neon {

class Relay {
 public:
  // Has what the client sends first come in the last flight of its login? It has paid its round trip then.
  enum class First { comes_later, came_with_login };
  Relay(ClientStream& client, Backend& backend, World& world, First first);

  Task<void> run();
  void end(Ending ending);
  bool is_over() const { return is_over_; }
  Ending ending() const { return ending_; }
  void disturb(const ErrorRow& row);

 private:
  bool take_from_client(std::string_view bytes);
  bool take_from_server(std::string_view bytes);
  bool is_forgotten();
  Milliseconds delay();
  void stop();

  ClientStream& client_;
  Backend& backend_;
  World& world_;
  Lane<ClientStream::Tls, Backend::Socket> up_;
  Lane<Backend::Socket, ClientStream::Tls> down_;
  Bell ended_;
  int running_ = 2;  // lanes
  Ending ending_ = Ending::eof;
  bool is_in_login_flight_;  // what is under way
  int flights_ = 0;          // of the client's
  bool is_over_ = false;
  bool is_doomed_ = false;                 // its last word to the client is on its way
  const ErrorRow* next_answer_ = nullptr;  // what the next statement is answered with
  Seconds last_bytes_;
};

}  // namespace ballast::neon
