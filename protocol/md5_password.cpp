#include "protocol/md5_password.hpp"

#include <cstddef>

#include "protocol/digest.hpp"

namespace ballast {
namespace {

constexpr std::string_view prefix = "md5";
constexpr std::size_t secret_size = 35;

std::string prefixed(std::string hex) { return hex.empty() ? hex : hex.insert(0, prefix); }

}  // namespace

std::string md5_secret(std::string_view password, std::string_view user) {
  return prefixed(md5_hex(std::string(password).append(user)));
}

bool is_md5_secret(std::string_view text) {
  return text.size() == secret_size && text.starts_with(prefix) &&
         text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

std::string md5_response(std::string_view secret, std::string_view salt) {
  if (!is_md5_secret(secret)) return {};
  return prefixed(md5_hex(std::string(secret.substr(prefix.size())).append(salt)));
}

}  // namespace ballast
