// ServerLogin: we are the frontend. From StartupMessage to the first ReadyForQuery, without I/O.
//
//   login.start(out)                       writes the StartupMessage; then, whenever bytes came:
//   step = login.receive(in, consumed, out)
//     need_more   write `out`, wait for bytes
//     ready       the server is idle: parameters(), process_id(), cancel_secret()
//     failed      error() says why; close. from_server() tells whose error it is
//
// Not thread-safe. The caller has the deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/scram.hpp"
#include "protocol/startup.hpp"

namespace ballast {

enum class ChannelBindingPolicy { disable, prefer, require };

struct ServerLoginRequest {
  std::string password;   // in the clear; may be empty if `keys` are set
  ScramKeys keys;         // ClientKey and ServerKey, used where `password` is empty
  StartupParameters parameters;  // user, database, ... as they go into the StartupMessage
  std::string user;              // for md5
  bool is_tls = false;
  bool tls_verified = false;    // the certificate chain was verified: cleartext passwords may be sent
  std::string channel_binding;  // tls-server-end-point data, empty without TLS
  ChannelBindingPolicy channel_binding_policy = ChannelBindingPolicy::prefer;
};

class ServerLogin {
 public:
  enum class Step { need_more, ready, failed };
  using Nonce = std::function<void(std::span<char>)>;

  // `keys_cache` remembers the keys derived from the password, so that PBKDF2 runs once per (salt, iterations) and
  // not per login. May be null; must outlive the login.
  ServerLogin(ServerLoginRequest request, ScramKeyCache* keys_cache, Nonce nonce);
  ~ServerLogin();

  void start(std::string& out);
  Step receive(std::string_view in, std::size_t& consumed, std::string& out);

  const StartupParameters& parameters() const;  // ParameterStatus, last value of each
  std::int32_t process_id() const;
  const std::string& cancel_secret() const;  // empty: this server has no cancel keys
  const PgError& error() const;
  bool from_server() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ballast
