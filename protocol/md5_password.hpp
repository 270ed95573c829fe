// Passwords under PostgreSQL's md5 method (manual, "Message Flow", AuthenticationMD5Password). Pure
// functions, any thread. Empty results: this machine's libcrypto refuses MD5.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// What a server stores: "md5" + hex(md5(password user)).
std::string md5_secret(std::string_view password, std::string_view user);
bool is_md5_secret(std::string_view text);

// What a client sends: "md5" + hex(md5(secret without its "md5", salt)). Empty too if `secret` is none.
std::string md5_response(std::string_view secret, std::string_view salt);

}  // namespace ballast
