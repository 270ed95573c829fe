// SimServer: one connection to the scripted PostgreSQL: login, then a Backend behind a socket, with
// PostgreSQL's manner of working: one message after the other, output in a buffer of 8 kB that leaves when it
// is full or must.
//
// As a referee it watches who is at work: within a transaction it is one client, and one of its own database
// and user.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/client_login.hpp"

#include "proxy/io/world.hpp"
#include "proxy/pool/pool_key.hpp"

#include "tests/sim/backend.hpp"
#include "tests/sim/database.hpp"
#include "tests/sim/sim_stream.hpp"

namespace ballast::sim {

class SimServer final : public Mortal, public StreamListener {
 public:
  SimServer(Database& database, std::unique_ptr<SimStream> stream, std::int32_t process_id);
  ~SimServer() override;

  std::int32_t process_id() const { return process_id_; }
  const std::string& secret() const { return secret_; }
  const PoolKey& key() const { return key_; }
  bool is_logged_in() const { return backend_.has_value(); }
  // It has said its last word.
  bool is_ending() const { return is_closing_; }
  bool is_pooler_there() const { return stream_->is_other_end_alive(); }
  // A signal.
  void cancel();
  // Ends the session, in one of the ways in which sessions end.
  void die();

  void on_readable() override;
  void on_writable() override;

 private:
  void advance_login();
  void begin_session();
  void take_messages();
  void work();
  void flush();
  void write_out();
  void send(std::string_view messages);
  void watch();
  void wait();
  void sleep();
  void fail_login(const PgError& error);
  void close();
  std::string name() const { return "server " + std::to_string(process_id_); }

  Database& database_;
  std::unique_ptr<SimStream> stream_;
  std::int32_t process_id_;
  std::string secret_;
  PoolKey key_;
  std::unique_ptr<ClientLogin> login_;
  std::optional<Backend> backend_;
  std::string in_;
  std::string buffer_;         // PostgreSQL's output buffer
  std::string out_;            // what the socket is being given
  std::string owner_;          // whose transaction it is
  std::uint64_t sleep_ = 0;    // counts them
  bool is_alarm_set_ = false;  // will the present one end by itself?
  bool is_thinking_ = false;
  bool is_closing_ = false;  // when all has been written
  bool is_closed_ = false;
  std::shared_ptr<bool> alive_;  // events that were planned find it false when the server has gone
};

}  // namespace ballast::sim
