#include "protocol/scram_secret.hpp"

#include <cassert>
#include <charconv>
#include <utility>

#include "protocol/base64.hpp"
#include "protocol/digest.hpp"
#include "protocol/saslprep.hpp"

namespace ballast {
namespace {

constexpr std::string_view prefix = "SCRAM-SHA-256$";

// The text before `separator`, which is taken off `rest` with it; nothing where there is no separator.
std::optional<std::string_view> take_until(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return text;
}

std::optional<std::string> decode_key(std::string_view text) {
  std::optional<std::string> key = decode_base64(text);
  return key && key->size() == scram_key_size ? key : std::nullopt;
}

}  // namespace

std::optional<int> parse_scram_iterations(std::string_view text) {
  int iterations = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, iterations);
  if (error != std::errc() || stopped != end || iterations < 1 || iterations > max_scram_iterations)
    return std::nullopt;
  return iterations;
}

std::optional<ScramSecret> parse_scram_secret(std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const auto iterations_text = take_until(text, ':');
  const auto salt_text = take_until(text, '$');
  const auto stored_key_text = take_until(text, ':');
  if (!iterations_text || !salt_text || !stored_key_text) return std::nullopt;

  const auto iterations = parse_scram_iterations(*iterations_text);
  auto salt = decode_base64(*salt_text);
  auto stored_key = decode_key(*stored_key_text);
  auto server_key = decode_key(text);
  if (!iterations || !salt || salt->empty() || !stored_key || !server_key) return std::nullopt;
  return ScramSecret{*iterations, *std::move(salt), *std::move(stored_key), *std::move(server_key)};
}

std::string format_scram_secret(const ScramSecret& secret) {
  return std::string(prefix) + std::to_string(secret.iterations) + ":" + encode_base64(secret.salt) + "$" +
         encode_base64(secret.stored_key) + ":" + encode_base64(secret.server_key);
}

ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, int iterations) {
  assert(iterations >= 1 && iterations <= max_scram_iterations);
  const std::string salted_password = pbkdf2_sha256(saslprep(password), salt, iterations);
  return {hmac_sha256(salted_password, "Client Key"), hmac_sha256(salted_password, "Server Key")};
}

ScramSecret make_scram_secret(std::string_view password, std::string_view salt, int iterations) {
  ScramKeys keys = derive_scram_keys(password, salt, iterations);
  return {iterations, std::string(salt), sha256(keys.client_key), std::move(keys.server_key)};
}

bool scram_secret_matches(const ScramSecret& secret, std::string_view password) {
  const ScramKeys keys = derive_scram_keys(password, secret.salt, secret.iterations);
  return equal_in_constant_time(sha256(keys.client_key), secret.stored_key);
}

std::string mock_scram_salt(std::string_view mock_key, std::string_view user) {
  return hmac_sha256(mock_key, std::string("salt:").append(user)).substr(0, scram_salt_size);
}

ScramSecret mock_scram_secret(std::string_view mock_key, std::string_view user, int iterations) {
  // To log in, one would need a value with this SHA-256: nobody has one.
  return {iterations, mock_scram_salt(mock_key, user),
          hmac_sha256(mock_key, std::string("stored key:").append(user)),
          hmac_sha256(mock_key, std::string("server key:").append(user))};
}

}  // namespace ballast
