#include "proxy/app/pgbouncer_file.hpp"

#include <algorithm>
#include <cstddef>

#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr int include_depth_max = 10;  // MAX_INCLUDE of cfparser.c
constexpr std::size_t file_bytes_max = std::size_t{1} << 20;
constexpr std::string_view blanks = " \t\r\f\v";
constexpr std::string_view include_directive = "%include";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_plain_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("_.-*").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

class Reader {
 public:
  explicit Reader(std::vector<IniEntry>& entries) : entries_(entries) {}

  void read(const std::string& path, int depth) {
    std::string text;
    try {
      text = read_text_file(path, file_bytes_max);
    } catch (const TextFileError& failure) {
      throw PgBouncerFileError("\"" + printable(path) + "\": " + failure.what());
    }
    std::string_view rest = text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      place_ = printable(path) + ":" + std::to_string(number) + ": ";
      read_line(trimmed(rest.substr(0, end)), depth);
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }

 private:
  void read_line(std::string_view line, int depth) {
    if (line.empty() || line.front() == '#' || line.front() == ';') return;
    if (line.starts_with(include_directive)) return include(line.substr(include_directive.size()), depth);
    if (line.front() == '[') return begin_section(line);
    const std::string key = take_key(line);
    line = trimmed(line);
    if (key.empty() || !line.starts_with('=')) throw PgBouncerFileError(place_ + "is not key = value");
    entries_.push_back({section_, key, std::string(trimmed(line.substr(1)))});
  }

  void include(std::string_view name, int depth) {
    const std::string place = place_;
    if (name.empty() || blanks.find(name.front()) == blanks.npos) {
      throw PgBouncerFileError(place + "is not %include FILE");
    }
    if (depth >= include_depth_max) throw PgBouncerFileError(place + "files include each other too deeply");
    read(std::string(trimmed(name)), depth + 1);
  }

  // What stands behind the bracket is read as a line of its own, as PgBouncer does.
  void begin_section(std::string_view line) {
    const std::size_t end = line.find(']');
    if (end == line.npos) throw PgBouncerFileError(place_ + "has a [ without ]");
    section_ = line.substr(1, end - 1);
    read_line(trimmed(line.substr(end + 1)), include_depth_max);
  }

  // A name with other characters stands in quotes; in double quotes, two of them are one.
  std::string take_key(std::string_view& line) const {
    const char quote = line.front();
    if (quote != '"' && quote != '\'') {
      const std::string_view key = trimmed(line.substr(0, line.find('=')));
      line.remove_prefix(std::min(line.find('='), line.size()));
      return is_plain_key(key) ? std::string(key) : std::string();
    }
    std::string key;
    for (std::size_t i = 1; i < line.size(); ++i) {
      if (line[i] != quote) {
        key += line[i];
      } else if (quote == '"' && line.substr(i + 1).starts_with('"')) {
        key += line[i++];
      } else {
        line.remove_prefix(i + 1);
        return key;
      }
    }
    throw PgBouncerFileError(place_ + "has a name whose quote isn't closed");
  }

  std::vector<IniEntry>& entries_;
  std::string section_;
  std::string place_;
};

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(blanks)));
}

std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('\'')) {
    value = text.substr(0, text.find(' '));
    text.remove_prefix(value.size());
    return value;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '\'') {
      value += text[i];
    } else if (text.substr(i + 1).starts_with('\'')) {
      value += text[i++];
    } else {
      text.remove_prefix(i + 1);
      return value;
    }
  }
  throw PgBouncerFileError("has a value whose quote isn't closed");
}

}  // namespace

std::vector<IniEntry> read_pgbouncer_file(const std::string& path) {
  std::vector<IniEntry> entries;
  Reader(entries).read(path, 0);
  return entries;
}

ConnectionPairs parse_connection_pairs(std::string_view text) {
  ConnectionPairs pairs;
  for (skip_spaces(text); !text.empty(); skip_spaces(text)) {
    const std::string key(text.substr(0, text.find_first_of("= ")));
    text.remove_prefix(key.size());
    skip_spaces(text);
    if (key.empty() || !text.starts_with('=')) throw PgBouncerFileError("has a word without =");
    text.remove_prefix(1);
    skip_spaces(text);
    std::string value = take_value(text);
    if (value.empty()) throw PgBouncerFileError("has an empty value");
    pairs.emplace_back(key, std::move(value));
  }
  return pairs;
}

}  // namespace ballast
