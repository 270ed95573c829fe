// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677; PostgreSQL manual, "SASL Authentication") as step functions.
// To be completed: see the .cpp
#pragma once

#include <string>

namespace ballast {

// What a server stores of a password: PostgreSQL's "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>".
struct ScramSecret {
  int iterations = 0;
  std::string salt;        // raw bytes
  std::string stored_key;  // 32 raw bytes
  std::string server_key;  // 32 raw bytes
};

// What a client needs instead of the password.
struct ScramKeys {
  std::string client_key;  // 32 raw bytes; empty: not known
  std::string server_key;
};

// Keys derived from one password, for one salt and iteration count.
struct ScramKeyCache {
  std::string salt;
  int iterations = 0;
  ScramKeys keys;
};

}  // namespace ballast
