// What a PostgreSQL server says, for tests that play one.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/protocol/wire.hpp"

namespace ballast::backend {

using namespace std::string_literals;
using wire::int32;
using wire::message;

inline std::string ready(char status = 'I') { return message('Z', std::string(1, status)); }
inline std::string complete(const std::string& tag) { return message('C', tag + "\0"s); }
inline std::string parameter(const std::string& name, const std::string& value) {
  return message('S', name + "\0"s + value + "\0"s);
}
inline std::string error(const std::string& code, const std::string& text,
                         const std::string& severity = "ERROR") {
  return message('E', "S" + severity + "\0V"s + severity + "\0C"s + code + "\0M"s + text + "\0\0"s);
}
inline std::string notice(const std::string& text) {
  return message('N', "SNOTICE\0VNOTICE\0C00000\0M"s + text + "\0\0"s);
}
inline std::string row(const std::string& value) {
  return message('D', "\0\1"s + int32(static_cast<std::int64_t>(value.size())) + value);
}
inline const std::string row_description =
    message('T', "\0\1a\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"s);
inline const std::string parse_complete = message('1', "");
inline const std::string bind_complete = message('2', "");
inline const std::string close_complete = message('3', "");
inline const std::string no_data = message('n', "");
inline const std::string parameter_description = message('t', "\0\0"s);
inline const std::string copy_in = message('G', "\0\0\0"s);

// A whole answer to "SELECT ...".
// The answer of an audit: rows of kind, name, value.
inline std::string audit(const std::vector<std::array<std::string, 3>>& rows) {
  std::string answer = message('T', "\0\0"s);
  for (const auto& row : rows) {
    std::string body = "\0\3"s;
    for (const std::string& column : row) body += int32(static_cast<std::int32_t>(column.size())) + column;
    answer += message('D', body);
  }
  return answer + complete("SELECT") + ready();
}

inline std::string selected(const std::string& value) {
  return row_description + row(value) + complete("SELECT 1") + ready();
}
// From AuthenticationOk to the first ReadyForQuery. The cancel secret is 4 bytes that the process id is part
// of.
inline std::string welcome(std::int32_t process_id = 100) {
  return message('R', int32(0)) + parameter("server_version", "15.0") + parameter("DateStyle", "ISO, MDY") +
         parameter("TimeZone", "UTC") + parameter("application_name", "") +
         message('K', int32(process_id) + int32(process_id + 1)) + ready();
}

}  // namespace ballast::backend
