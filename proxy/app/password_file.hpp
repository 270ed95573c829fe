// PasswordFile: libpq's password file (PostgreSQL manual 34.16): lines of
// hostname:port:database:username:password, where * matches anything and a backslash keeps the next : or \.
// The first line that matches counts.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ballast {

struct PasswordQuery {
  std::string host;
  std::string port;
  std::string dbname;
  std::string user;
};

// The file can be read by others, so its passwords aren't used.
struct PasswordFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A file that isn't there holds no passwords; that is no error.
std::optional<std::string> read_password(const std::string& file, const PasswordQuery& query);
std::optional<std::string> find_password(std::string_view text, const PasswordQuery& query);

}  // namespace ballast
