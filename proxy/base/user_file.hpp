// UserFile: users and their secrets from a file in PgBouncer's userlist format (PgBouncer's config.md,
// "Authentication file format"): a line is "user" "secret", the rest of it is ignored; a double quote in a
// field is written twice; empty lines and those that begin with ; or # are skipped. A secret is a password,
// md5... or SCRAM-SHA-256$... as it stands in the file. Where a user is named twice, the last line counts.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ballast {

using UserSecrets = std::map<std::string, std::string>;

// One line that names the file and the line, never a secret.
struct UserFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

UserSecrets read_user_file(const std::string& path);
UserSecrets parse_user_file(std::string_view text, std::string_view path);

}  // namespace ballast
