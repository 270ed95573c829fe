#include "proxy/base/user_file.hpp"

#include <optional>

#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr std::size_t max_user_bytes = 128;  // PgBouncer's limits
constexpr std::size_t max_secret_bytes = 2048;

std::string file_name(std::string_view path) { return "auth_file \"" + printable(path) + "\""; }

// Takes a quoted field from the front of `line`; nothing if it doesn't begin or end with a quote.
std::optional<std::string> take_field(std::string_view& line) {
  if (line.empty() || line.front() != '"') return std::nullopt;
  std::string field;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] != '"') {
      field += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == '"') {
      field += line[i++];
    } else {
      line.remove_prefix(i + 1);
      return field;
    }
  }
  return std::nullopt;
}

void skip_blanks(std::string_view& line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '\r')) {
    line.remove_prefix(1);
  }
}

// Says what is wrong with the line; empty: nothing.
std::string_view parse_line(std::string_view line, UserSecrets& secrets) {
  skip_blanks(line);
  if (line.empty() || line.front() == ';' || line.front() == '#') return {};
  if (line.find('\0') != std::string_view::npos) return "holds a zero byte";
  const std::optional<std::string> user = take_field(line);
  skip_blanks(line);
  const std::optional<std::string> secret = user ? take_field(line) : std::nullopt;
  if (!secret) return "is not \"user\" \"secret\", with both in double quotes";
  if (user->empty()) return "has an empty user name";
  if (user->size() > max_user_bytes) return "has a user name of more than 128 bytes";
  if (secret->size() > max_secret_bytes) return "has a secret of more than 2048 bytes";
  secrets[*user] = *secret;
  return {};
}

}  // namespace

UserSecrets parse_user_file(std::string_view text, std::string_view path) {
  UserSecrets secrets;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view problem = parse_line(text.substr(0, end), secrets);
    if (!problem.empty()) {
      throw UserFileError(file_name(path) + ": line " + std::to_string(number) + " " + std::string(problem));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return secrets;
}

UserSecrets read_user_file(const std::string& path) {
  try {
    return parse_user_file(read_text_file(path), path);
  } catch (const TextFileError& failure) {
    throw UserFileError(file_name(path) + ": " + failure.what());
  }
}

}  // namespace ballast
