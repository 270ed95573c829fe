// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677; PostgreSQL manual, "SASL Authentication") as step
// functions. Channel binding is tls-server-end-point (RFC 5929) and nothing else, as in PostgreSQL.
//
//   ScramServer server(secret, mechanism, channel_binding, nonce);              we are the backend
//     server.receive(client_first, out)   go_on: `out` is the server-first-message
//     server.receive(client_final, out)   done: the client knows the password, `out` is the
//     server-final-message
//   ScramClient client(credentials, binding_flag, channel_binding, nonce, cache);   we are the frontend
//     client.first()                      the client-first-message
//     client.receive(server_first, out)   go_on: `out` is the client-final-message
//     client.receive(server_final, out)   done: the server knows the password too
//
// Any other step is the end; after `failed`, error() says why. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/scram_secret.hpp"

namespace ballast {

inline constexpr std::string_view scram_mechanism = "SCRAM-SHA-256";
inline constexpr std::string_view scram_plus_mechanism = "SCRAM-SHA-256-PLUS";

// PostgreSQL's PG_MAX_SASL_MESSAGE_LENGTH. It bounds nonces, salts and extensions together.
inline constexpr std::size_t max_scram_message_size = 1024;

// 18 random bytes in base64, like PostgreSQL's.
std::string make_scram_nonce(const std::function<void(std::span<char>)>& fill_random);

// wrong_proof: the messages were in order, but the client does not know the password.
enum class ScramStep { go_on, done, wrong_proof, failed };

class ScramServer {
 public:
  enum class Mechanism { without_binding, with_binding };

  // `channel_binding`: our tls-server-end-point data; empty: -PLUS was not offered. `nonce`: printable, no
  // comma.
  ScramServer(ScramSecret secret, Mechanism mechanism, std::string channel_binding, std::string nonce);

  ScramStep receive(std::string_view message, std::string& out);

  const PgError& error() const { return error_; }                // for the client, in PostgreSQL's words
  const std::string& client_key() const { return client_key_; }  // the client's, once done

 private:
  ScramStep receive_first(std::string_view message, std::string& out);
  ScramStep receive_final(std::string_view message, std::string& out);
  ScramStep check_binding_flag(std::string_view flag);
  ScramStep check_binding(std::string_view binding);
  ScramStep verify(std::string_view proof, std::string_view message_without_proof, std::string& out);
  ScramStep fail(std::string_view sqlstate, std::string message, std::string detail);
  ScramStep malformed(std::string detail);

  ScramSecret secret_;
  Mechanism mechanism_;
  std::string channel_binding_;
  std::string nonce_;           // our part; after the first message the client's part and ours
  std::string gs2_header_;      // as the client sent it: its final message must repeat it
  std::string first_messages_;  // the head of AuthMessage; empty until the client-first-message came
  std::string client_key_;
  PgError error_;
};

struct ScramCredentials {
  std::string password;  // in the clear; empty: use `keys`
  ScramKeys keys;
};

class ScramClient {
 public:
  // What we say of channel binding (RFC 5802, section 6): that we can't, that the server seems not to be able
  // to (which a server that is able refuses: somebody took -PLUS off its list), or that it is in use.
  enum class BindingFlag { not_supported, not_offered, in_use };

  // `cache` may be null, and must outlive the client.
  ScramClient(ScramCredentials credentials, BindingFlag flag, std::string_view channel_binding,
              std::string nonce, ScramKeyCache* cache);

  std::string first() const { return gs2_header_ + first_bare_; }
  ScramStep receive(std::string_view message, std::string& out);

  const PgError& error() const { return error_; }

 private:
  ScramStep receive_first(std::string_view message, std::string& out);
  ScramStep receive_final(std::string_view message);
  bool find_keys(const std::string& salt, int iterations);
  ScramStep fail(std::string_view sqlstate, std::string message);

  ScramCredentials credentials_;
  ScramKeyCache* cache_;
  std::string nonce_;  // our part
  std::string gs2_header_;
  std::string first_bare_;        // client-first-message-bare
  std::string binding_;           // gs2-header and channel binding data, the c= of the final message
  ScramKeys keys_;                // those for the salt of this server
  std::string server_signature_;  // what the server must answer; empty until its first message came
  PgError error_;
};

}  // namespace ballast
