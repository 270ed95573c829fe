#include "proxy/app/conninfo.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <pwd.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "proxy/app/connection_keywords.hpp"
#include "proxy/app/service_file.hpp"

namespace ballast {
namespace {

struct FreeConnInfo {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using LibpqOptions = std::unique_ptr<PQconninfoOption, FreeConnInfo>;

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr std::string_view percent_remedy = "has a % without two hex digits; write a % itself as %25";

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) throw UpstreamUrlError(std::string(percent_remedy));
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// libpq's message quotes the text, and so the password: only its kind is kept.
[[noreturn]] void refuse_syntax(std::string_view libpq_message) {
  if (libpq_message.find("percent") != std::string_view::npos) {
    throw UpstreamUrlError(std::string(percent_remedy));
  }
  if (libpq_message.find("IPv6") != std::string_view::npos) {
    throw UpstreamUrlError("has an IPv6 address that isn't in [brackets]");
  }
  throw UpstreamUrlError("isn't well-formed; percent-encode : / ? # [ ] @ % in the user and the password");
}

ConnectionParameters read_with_libpq(const std::string& text) {
  char* message = nullptr;
  const LibpqOptions options(PQconninfoParse(text.c_str(), &message));
  const std::unique_ptr<char, void (*)(void*)> owned_message(message, &PQfreemem);
  if (!options) refuse_syntax(message == nullptr ? "" : message);
  ConnectionParameters parameters;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  return parameters;
}

// An unencoded / in a password makes libpq take the user for the host and the rest for a database. Only a
// host may stand before the first / then, and an @ after it gives the mistake away.
void check_authority(std::string_view authority_and_path) {
  const auto slash = authority_and_path.find('/');
  const auto at = authority_and_path.find('@');
  const bool hidden_at = at != std::string_view::npos && slash < at;
  const bool second_at =
      at < slash && authority_and_path.substr(0, slash).find('@', at + 1) != std::string_view::npos;
  if (!hidden_at && !second_at) return;
  throw UpstreamUrlError(
      "has an @ or / that isn't encoded; in the user, password or database write @ as %40, / as %2F");
}

// Where the parameters of a URL begin. User and password may hold a '?', so those are stepped over first.
std::size_t query_begin(std::string_view url) {
  const std::size_t authority = url.find("://") + 3;
  const auto at = url.find('@', authority);
  const auto slash = url.find('/', authority);
  const std::size_t host = at < slash ? at : authority;
  const auto question = url.find('?', host);
  check_authority(
      url.substr(authority, question == std::string_view::npos ? question : question - authority));
  return question;
}

ConnectionParameters parse_url(std::string_view url) {
  const std::size_t question = query_begin(url);
  if (question == std::string_view::npos) return read_with_libpq(std::string(url));
  std::string for_libpq(url.substr(0, question));
  ConnectionParameters newer;
  char separator = '?';
  std::string_view rest = url.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos)
      throw UpstreamUrlError("has a parameter without a value; write name=value");
    const std::string name = percent_decoded(pair.substr(0, equals));
    const std::string value = percent_decoded(pair.substr(equals + 1));
    if (is_newer_keyword(name)) {
      newer[name] = value;
      continue;
    }
    if (name != "ssl" || value != "true")
      check_keyword(name);  // libpq reads JDBC's ssl=true as sslmode=require
    for_libpq += separator;
    for_libpq += pair;
    separator = '&';
  }
  ConnectionParameters parameters = read_with_libpq(for_libpq);
  parameters.merge(newer);
  return parameters;
}

constexpr std::string_view blanks = " \t\r\n\f\v";

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(blanks)));
}

// The value at the front of `text`: quoted or not, with backslashes for what would end it.
std::string take_value(std::string_view& text) {
  const bool quoted = !text.empty() && text.front() == '\'';
  std::string value;
  std::size_t i = quoted ? 1 : 0;
  for (; i < text.size(); ++i) {
    if (quoted ? text[i] == '\'' : blanks.find(text[i]) != std::string_view::npos) break;
    if (text[i] == '\\' && ++i == text.size()) break;
    value += text[i];
  }
  if (quoted && i >= text.size()) throw UpstreamUrlError("has a value whose quote isn't closed");
  text.remove_prefix(std::min(text.size(), quoted ? i + 1 : i));
  return value;
}

std::string quoted_value(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

ConnectionParameters parse_keywords(std::string_view text) {
  std::string for_libpq;
  ConnectionParameters newer;
  for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
    const std::string_view name = text.substr(0, text.find_first_of("= \t\r\n\f\v"));
    text.remove_prefix(name.size());
    skip_blanks(text);
    if (text.empty() || text.front() != '=') {
      throw UpstreamUrlError("has a word without =; quote values with blanks: password='two words'");
    }
    text.remove_prefix(1);
    skip_blanks(text);
    const std::string value = take_value(text);
    if (is_newer_keyword(name)) {
      newer[std::string(name)] = value;
      continue;
    }
    check_keyword(name);
    for_libpq += std::string(name) + "=" + quoted_value(value) + " ";
  }
  ConnectionParameters parameters = read_with_libpq(for_libpq);
  parameters.merge(newer);
  return parameters;
}

// "postgresql" of "postgresql://..."; nothing if the text doesn't begin like a URL.
std::optional<std::string_view> scheme_of(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, end);
  if (scheme.find_first_of("=@ \t\r\n'") != std::string_view::npos) return std::nullopt;
  return scheme;
}

const passwd* user_record(passwd& record, std::array<char, 4096>& buffer) {
  passwd* found = nullptr;
  getpwuid_r(geteuid(), &record, buffer.data(), buffer.size(), &found);
  return found;
}

void add_service(ConnectionParameters& parameters, const Environment& environment) {
  const auto named = parameters.find("service");
  const std::string service = named == parameters.end() ? variable(environment, "PGSERVICE") : named->second;
  if (service.empty()) return;
  for (const auto& [name, value] : read_service(service, environment, home_folder(environment))) {
    check_keyword(name);
    parameters.emplace(name, value);
  }
}

}  // namespace

ConnectionParameters parse_conninfo(std::string_view text) {
  const auto begin = std::min(text.size(), text.find_first_not_of(blanks));
  text.remove_prefix(begin);
  text = text.substr(0, text.find_last_not_of(blanks) + 1);
  if (text.empty()) throw UpstreamUrlError("is empty; use postgresql://user:password@host/database");
  if (text.find('\0') != std::string_view::npos) throw UpstreamUrlError("holds a zero byte; remove it");
  if (const auto scheme = scheme_of(text)) {
    if (*scheme == "postgresql" || *scheme == "postgres") return parse_url(text);
    throw UpstreamUrlError("doesn't begin with postgresql:// or postgres://; another scheme can't be served");
  }
  if (text.find('=') == std::string_view::npos) {
    throw UpstreamUrlError("is neither a URL nor keywords; use postgresql://user:password@host/database");
  }
  return parse_keywords(text);
}

void add_defaults(ConnectionParameters& parameters, const Environment& environment) {
  add_service(parameters, environment);
  for (const auto& [name, variable_name] : connection_keywords()) {
    const std::string value = variable(environment, variable_name);
    if (!value.empty()) parameters.emplace(name, value);
  }
}

std::string home_folder(const Environment& environment) {
  const std::string home = variable(environment, "HOME");
  if (!home.empty()) return home;
  passwd record{};
  std::array<char, 4096> buffer{};
  const passwd* found = user_record(record, buffer);
  return found == nullptr ? "" : found->pw_dir;
}

std::string system_user() {
  passwd record{};
  std::array<char, 4096> buffer{};
  const passwd* found = user_record(record, buffer);
  return found == nullptr ? "" : found->pw_name;
}

}  // namespace ballast
