// PgBouncerFile: pgbouncer.ini as PgBouncer 1.25 reads it (its doc/config.md, src/loader.c; libusual's
// cfparser.c): lines of key = value under a [section], comments only as whole lines, %include, and connection
// strings of key=value pairs whose values may stand in single quotes.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast {

struct IniEntry {
  std::string section;
  std::string key;
  std::string value;
};

// One line that names the file, and the line where it has one; no values, which may be passwords.
struct PgBouncerFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// With what it includes, each in its place; relative names are relative to the working directory.
std::vector<IniEntry> read_pgbouncer_file(const std::string& path);

using ConnectionPairs = std::vector<std::pair<std::string, std::string>>;
// Throws PgBouncerFileError, which says only what is wrong.
ConnectionPairs parse_connection_pairs(std::string_view text);

}  // namespace ballast
