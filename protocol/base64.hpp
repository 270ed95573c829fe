// Base64 with padding and without line breaks (RFC 4648, section 4), as SCRAM writes it. Pure functions, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ballast {

std::string encode_base64(std::string_view bytes);

// Nothing where a character is not of the alphabet, or padding is missing or misplaced.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ballast
