// What is stored of a password for SCRAM-SHA-256, and the keys that prove its possession (RFC 5802, section
// 3). Pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ballast {

// PostgreSQL takes any positive int. Each iteration costs whoever knows only the password 0.22 us (measured),
// so a server that asks for 2^31 would stop us for minutes; a million is above every recommendation.
inline constexpr int max_scram_iterations = 1'000'000;
// PostgreSQL's defaults for a secret that it makes.
inline constexpr int default_scram_iterations = 4096;
inline constexpr std::size_t scram_salt_size = 16;
inline constexpr std::size_t scram_key_size = 32;

// What a server stores of a password.
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
  bool operator==(const ScramKeys&) const = default;
};

// Keys derived from one password, for one salt and iteration count. A new password needs a new cache.
struct ScramKeyCache {
  std::string salt;
  int iterations = 0;
  ScramKeys keys;
  // By which mechanism the server has let us in the last time; empty: by none, or it is not known.
  std::string mechanism;
};

// Decimal, from 1 to the maximum.
std::optional<int> parse_scram_iterations(std::string_view text);

// PostgreSQL's "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", the last three in base64.
std::optional<ScramSecret> parse_scram_secret(std::string_view text);
std::string format_scram_secret(const ScramSecret& secret);

// These run PBKDF2, over the password as saslprep() leaves it.
ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, int iterations);
ScramSecret make_scram_secret(std::string_view password, std::string_view salt, int iterations);
bool scram_secret_matches(const ScramSecret& secret, std::string_view password);

// For a user who has no secret: the same for the same name, so that it can't be told from a real one, and no
// password opens it.
ScramSecret mock_scram_secret(std::string_view mock_key, std::string_view user, int iterations);
// The salt of that secret.
std::string mock_scram_salt(std::string_view mock_key, std::string_view user);

}  // namespace ballast
