// Hashes for passwords. All of protocol/ that needs libcrypto is behind these. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations);  // 32 bytes

// 32 hex digits; empty where libcrypto has no MD5 (FIPS mode).
std::string md5_hex(std::string_view data);

// Compares in a time that does not depend on where the difference is; only the lengths may show.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace ballast
