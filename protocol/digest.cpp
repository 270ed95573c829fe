#include "protocol/digest.hpp"

#include <cassert>
#include <cstddef>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace ballast {
namespace {

constexpr std::size_t sha256_size = 32;
constexpr std::size_t md5_size = 16;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string sha256(std::string_view data) {
  std::string digest(sha256_size, '\0');
  const int ok = EVP_Digest(data.data(), data.size(), bytes(digest), nullptr, EVP_sha256(), nullptr);
  assert(ok == 1);
  static_cast<void>(ok);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string digest(sha256_size, '\0');
  const unsigned char* ok = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(data),
                                 data.size(), bytes(digest), nullptr);
  assert(ok != nullptr);
  static_cast<void>(ok);
  return digest;
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
  assert(iterations > 0);
  std::string key(sha256_size, '\0');
  const int ok = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes(salt),
                                   static_cast<int>(salt.size()), iterations, EVP_sha256(),
                                   static_cast<int>(key.size()), bytes(key));
  assert(ok == 1);
  static_cast<void>(ok);
  return key;
}

std::string md5_hex(std::string_view data) {
  unsigned char digest[md5_size];
  if (EVP_Digest(data.data(), data.size(), digest, nullptr, EVP_md5(), nullptr) != 1) return {};
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 15]);
  }
  return hex;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ballast
