#include "proxy/app/password_file.hpp"

#include <sys/stat.h>

#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

// The field at the front of `line`, unescaped, with its colon; nothing if the line ends before a colon.
std::optional<std::string> take_field(std::string_view& line) {
  std::string field;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ':') {
      line.remove_prefix(i + 1);
      return field;
    }
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    field += line[i];
  }
  return std::nullopt;
}

// Only a bare * is a wildcard: \* is a name.
bool take_match(std::string_view& line, std::string_view wanted) {
  if (line.starts_with("*:")) {
    line.remove_prefix(2);
    return true;
  }
  const std::optional<std::string> field = take_field(line);
  return field && *field == wanted;
}

std::string unescaped(std::string_view text) {
  std::string password;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    password += text[i];
  }
  return password;
}

}  // namespace

std::optional<std::string> find_password(std::string_view text, const PasswordQuery& query) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    if (take_match(line, query.host) && take_match(line, query.port) && take_match(line, query.dbname) &&
        take_match(line, query.user)) {
      return unescaped(line);
    }
  }
  return std::nullopt;
}

std::optional<std::string> read_password(const std::string& file, const PasswordQuery& query) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw PasswordFileError("password file \"" + printable(file) +
                            "\" is open to group or others; chmod 600 it");
  }
  try {
    return find_password(read_text_file(file), query);
  } catch (const TextFileError& failure) {
    throw PasswordFileError("password file \"" + printable(file) + "\": " + failure.what());
  }
}

}  // namespace ballast
