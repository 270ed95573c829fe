// ServerLogin: we are the frontend. From StartupMessage to the first ReadyForQuery, without I/O.
//
//   login.start(out)                       writes the StartupMessage; then, whenever bytes came:
//   step = login.receive(in, consumed, out)
//     need_more   write `out`, wait for bytes
//     ready       the server is idle: parameters(), process_id(), cancel_secret()
//     failed      error() says why; close. from_server() tells whose error it is
//
// Where the server's mechanism is known from a login before, SCRAM begins right behind the StartupMessage,
// which saves a trip (RFC 4422, section 4, "initial response"; a server reads one message after the other).
// Should it want something else this time, the login fails and has_guessed_wrong() says so: the next one asks
// again.
//
// When awaits_verdict(), our last word is written: what is sent right behind it is read as soon as the server
// lets us in, and never if it does not. Whoever sends something there has no proof yet of who the server is,
// but TLS.
//
// Not thread-safe. The caller has the deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/scram.hpp"
#include "protocol/startup.hpp"

namespace ballast {

enum class ChannelBindingPolicy { disable, prefer, require };

struct ServerLoginRequest {
  std::string password;  // in the clear; may be empty if `keys` are set
  std::string md5;       // "md5" + 32 hex digits, used where `password` is empty and the server asks for md5
  ScramKeys keys;        // ClientKey and ServerKey, used where `password` is empty
  StartupParameters parameters;  // user, database, ... as they go into the StartupMessage
  std::string user;              // for md5
  bool is_tls = false;           // -PLUS without TLS is refused
  bool tls_verified = false;     // the certificate chain was verified: cleartext passwords may be sent
  std::string channel_binding;   // tls-server-end-point data, empty without TLS
  ChannelBindingPolicy channel_binding_policy = ChannelBindingPolicy::prefer;
};

class ServerLogin {
 public:
  enum class Step { need_more, ready, failed };
  using Nonce = std::function<void(std::span<char>)>;

  // `keys_cache` remembers the keys derived from the password, so that PBKDF2 runs once per (salt,
  // iterations) and not per login, and the server's mechanism. May be null; must outlive the login.
  // `fill_random`: unpredictable bytes for nonces.
  ServerLogin(ServerLoginRequest request, ScramKeyCache* keys_cache, Nonce fill_random);
  ~ServerLogin();
  ServerLogin(const ServerLogin&) = delete;
  ServerLogin& operator=(const ServerLogin&) = delete;

  void start(std::string& out);
  Step receive(std::string_view in, std::size_t& consumed, std::string& out);

  const StartupParameters& parameters() const { return parameters_; }  // ParameterStatus, last value of each
  std::int32_t process_id() const { return process_id_; }
  const std::string& cancel_secret() const {
    return cancel_secret_;
  }  // empty: this server has no cancel keys
  const PgError& error() const { return error_; }
  bool from_server() const { return is_error_from_server_; }
  bool has_guessed_wrong() const { return has_guessed_wrong_; }
  bool awaits_verdict() const { return has_answered_ && phase_ != Phase::over; }

 private:
  enum class Phase {
    start,          // nothing was sent
    request,        // the server may ask for a password, or say that it needs none
    guessed,        // SCRAM has begun before it was asked for
    scram,          // SCRAM runs: nothing but its end opens the session
    answered,       // a password was sent, or SCRAM is done
    authenticated,  // AuthenticationOk came: parameters and the cancel key follow
    over,
  };

  Step receive_message(char type, std::string_view body, std::string& out);
  Step receive_authentication(std::string_view body, std::string& out);
  Step receive_ok();
  Step send_password(std::string& out);
  Step send_md5(std::string_view salt, std::string& out);
  Step begin_scram(std::string_view mechanisms, std::string& out);
  bool can_bind() const;
  bool may_guess() const;
  void send_first(std::string_view mechanism, std::string& out);
  Step check_guess(std::int32_t code, std::string_view mechanisms);
  Step receive_scram(ScramStep expected, std::string_view message, std::string& out);
  Step receive_parameter(std::string_view body);
  Step receive_key(std::string_view body);
  Step receive_ready(std::string_view body);
  Step receive_version(std::string_view body);
  Step receive_error(std::string_view body);
  Step fail(std::string_view sqlstate, std::string message);
  Step violation(std::string message);

  ServerLoginRequest request_;
  ScramKeyCache* keys_cache_;
  Nonce fill_random_;

  Phase phase_ = Phase::start;
  std::size_t received_ = 0;  // bytes of all messages so far
  bool is_bound_ = false;     // has the server proved who it is, over this very TLS connection?
  std::optional<ScramClient> scram_;
  StartupParameters parameters_;
  std::int32_t process_id_ = 0;
  std::string cancel_secret_;
  PgError error_;
  bool is_error_from_server_ = false;
  bool has_answered_ = false;
  bool is_guess_unproved_ = false;
  bool has_guessed_wrong_ = false;
};

}  // namespace ballast
