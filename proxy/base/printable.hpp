// Text that others wrote (user names, file contents, a server's words) made fit for one line of output.
// Nothing passes that could begin a new line, move a terminal's cursor or break the encoding. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// For text: control characters, a backslash and bytes that are not UTF-8 become \n, \t, \\, \x1b.
std::string printable(std::string_view text);

// A JSON string with its quotes (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace ballast
