#include "proxy/app/console_command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

using namespace std::string_view_literals;
using Kind = ConsoleCommand::Kind;

// In the order of Show.
constexpr std::array shows{
    "ACTIVE_SOCKETS"sv, "CLIENTS"sv,  "CONFIG"sv,         "DATABASES"sv,    "DNS_HOSTS"sv,
    "DNS_ZONES"sv,      "FDS"sv,      "HELP"sv,           "LISTS"sv,        "MEM"sv,
    "PEER_POOLS"sv,     "PEERS"sv,    "POOLS"sv,          "SERVERS"sv,      "SOCKETS"sv,
    "STATE"sv,          "STATS"sv,    "STATS_AVERAGES"sv, "STATS_TOTALS"sv, "TOTALS"sv,
    "USERS"sv,          "VERSION"sv,  "LATENCY"sv,        "PINS"sv,         "PREPARED"sv,
    "SETTINGS"sv,       "UPSTREAM"sv,
};
static_assert(shows.size() == static_cast<std::size_t>(Show::upstream) + 1);

enum class Argument : std::uint8_t { none, may_have, must_have };

struct Word {
  std::string_view word;
  Kind kind;
  Argument argument;
};
constexpr std::array words{
    Word{"DISABLE", Kind::disable, Argument::must_have},
    Word{"ENABLE", Kind::enable, Argument::must_have},
    Word{"KILL", Kind::kill, Argument::may_have},
    Word{"KILL_CLIENT", Kind::kill_client, Argument::must_have},
    Word{"PAUSE", Kind::pause, Argument::may_have},
    Word{"RECONNECT", Kind::reconnect, Argument::may_have},
    Word{"RELOAD", Kind::reload, Argument::none},
    Word{"RESUME", Kind::resume, Argument::may_have},
    Word{"SHUTDOWN", Kind::shutdown, Argument::may_have},
    Word{"SUSPEND", Kind::suspend, Argument::none},
    Word{"WAIT_CLOSE", Kind::wait_close, Argument::may_have},
};

// What drivers ask and set without need, and what they are told. PgBouncer has the first five.
struct Parameter {
  std::string_view name;
  std::string_view value;
};
constexpr std::array parameters{
    Parameter{"client_encoding", "UTF8"},
    Parameter{"default_transaction_isolation", "read committed"},
    Parameter{"standard_conforming_strings", "on"},
    Parameter{"datestyle", "ISO"},
    Parameter{"timezone", "GMT"},
    Parameter{"application_name", ""},
    Parameter{"extra_float_digits", "1"},
    Parameter{"transaction_isolation", "read committed"},
};

constexpr std::array transaction_words{
    std::pair{"BEGIN"sv, "BEGIN"sv},       std::pair{"START"sv, "START TRANSACTION"sv},
    std::pair{"COMMIT"sv, "COMMIT"sv},     std::pair{"END"sv, "COMMIT"sv},
    std::pair{"ROLLBACK"sv, "ROLLBACK"sv}, std::pair{"ABORT"sv, "ROLLBACK"sv},
};

bool is_same_word(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return to_lower(a) == to_lower(b); });
}

const Parameter* find_parameter(std::string_view name) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [name](const Parameter& one) { return is_same_word(one.name, name); });
  return found == parameters.end() ? nullptr : &*found;
}

PgError refusal(std::string_view sqlstate, std::string message) {
  return {Severity::error, std::string(sqlstate), std::move(message), {}, {}};
}

// As PgBouncer says it.
PgError invalid(std::string_view statement) {
  return refusal("42601", "invalid command '" + std::string(statement) + "', use SHOW HELP;");
}

bool is_word(const Token& token) {
  return token.is_name() || token.kind == TokenKind::constant || token.kind == TokenKind::string;
}

// A name is taken as it is written: PgBouncer folds none.
std::string text_of(const Token& token) {
  if (token.kind == TokenKind::quoted_name) return identifier(token);
  if (token.kind == TokenKind::string) return string_value(token).value_or(std::string(token.text()));
  return std::string(token.text());
}

class CommandReader {
 public:
  explicit CommandReader(std::string_view statement) : statement_(statement) {
    Lexer lexer(statement);
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
      tokens_.push_back(token);
      if (token.kind == TokenKind::broken) break;
    }
  }

  ReadCommand read() const {
    if (tokens_.empty() || !is_word(tokens_[0])) return {{}, invalid(statement_)};
    const std::string first = text_of(tokens_[0]);
    if (is_same_word(first, "show") || is_same_word(first, "select")) return read_show();
    if (is_same_word(first, "set")) return read_set();
    for (const auto& [word, tag] : transaction_words) {
      if (is_same_word(first, word)) return {{Kind::transaction, {}, std::string(tag), {}, 0}, {}};
    }
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&first](const Word& one) { return is_same_word(one.word, first); });
    return found == words.end() ? ReadCommand{{}, invalid(statement_)} : read_argument(*found);
  }

 private:
  ReadCommand read_show() const {
    if (tokens_.size() != 2 || !is_word(tokens_[1])) return {{}, invalid(statement_)};
    const std::string name = text_of(tokens_[1]);
    if (const Parameter* const parameter = find_parameter(name)) {
      return {{Kind::show_parameter, {}, std::string(parameter->name), std::string(parameter->value), 0}, {}};
    }
    const auto found = std::find_if(shows.begin(), shows.end(),
                                    [&name](std::string_view one) { return is_same_word(one, name); });
    if (found == shows.end()) return {{}, invalid(statement_)};
    return {{Kind::show, static_cast<Show>(found - shows.begin()), {}, {}, 0}, {}};
  }

  // SET name = value, or TO; what follows the sign may be several words to us (2min, 127.0.0.1).
  ReadCommand read_set() const {
    const bool has_sign = tokens_.size() >= 4 && (tokens_[2].is('=') || tokens_[2].is("to"));
    if (!has_sign || !tokens_[1].is_name()) return {{}, invalid(statement_)};
    const std::string name = text_of(tokens_[1]);
    const Kind kind = find_parameter(name) != nullptr ? Kind::set_parameter : Kind::set;
    if (tokens_.size() == 4) return {{kind, {}, name, text_of(tokens_[3]), 0}, {}};
    if (std::any_of(tokens_.begin(), tokens_.end(),
                    [](const Token& one) { return one.kind == TokenKind::broken; })) {
      return {{}, invalid(statement_)};
    }
    const char* const begin = tokens_[3].begin;
    const char* const end = tokens_.back().begin + tokens_.back().size;
    return {{kind, {}, name, std::string(begin, end), 0}, {}};
  }

  ReadCommand read_argument(const Word& word) const {
    ReadCommand read{{word.kind, {}, {}, {}, 0}, {}};
    if (tokens_.size() > 2 || (tokens_.size() == 2 && !is_word(tokens_[1]))) return {{}, invalid(statement_)};
    if (tokens_.size() == 2) read.command.argument = text_of(tokens_[1]);
    std::string& argument = read.command.argument;
    if (argument.empty() && word.argument == Argument::must_have && word.kind != Kind::kill_client) {
      return {{}, refusal("42601", "a database is required")};
    }
    if (!argument.empty() && word.argument == Argument::none) return {{}, invalid(statement_)};
    if (word.kind == Kind::shutdown && !argument.empty() && !is_same_word(argument, "wait_for_clients") &&
        !is_same_word(argument, "wait_for_servers")) {
      return {{}, invalid(statement_)};
    }
    if (word.kind == Kind::kill_client) {
      const char* const end = argument.data() + argument.size();
      const auto [at, error] = std::from_chars(argument.data(), end, read.command.client);
      if (error != std::errc{} || at != end)
        return {{}, refusal(sqlstate::invalid_parameter_value, "invalid client pointer supplied")};
    }
    return read;
  }

  std::string_view statement_;
  std::vector<Token> tokens_;
};

}  // namespace

std::string_view name_of(Show show) { return shows[static_cast<std::size_t>(show)]; }

std::span<const std::string_view> show_names() { return shows; }

std::vector<std::string_view> split_statements(std::string_view text) {
  std::vector<std::string_view> statements;
  Lexer lexer(text);
  const char* begin = nullptr;
  const char* end = nullptr;
  const auto add = [&] {
    if (begin != nullptr) statements.emplace_back(begin, static_cast<std::size_t>(end - begin));
    begin = nullptr;
  };
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (token.is(';')) {
      add();
      continue;
    }
    if (begin == nullptr) begin = token.begin;
    end = token.begin + token.size;
    if (token.kind == TokenKind::broken) {  // nobody knows where it ends
      end = text.data() + text.size();
      break;
    }
  }
  add();
  return statements;
}

ReadCommand read_command(std::string_view statement) { return CommandReader(statement).read(); }

bool needs_admin(const ConsoleCommand& command) {
  // Shows which connections are whose descriptors; PgBouncer keeps it from stats_users too.
  if (command.kind == Kind::show) return command.show == Show::fds;
  return command.kind >= Kind::disable;
}

std::string_view parameter_name(const ConsoleCommand& command) {
  return find_parameter(command.argument)->name;
}

std::string tag_of(const ConsoleCommand& command) {
  if (command.kind == Kind::show || command.kind == Kind::show_parameter) return "SHOW";
  if (command.kind == Kind::set_parameter) return "SET";
  if (command.kind == Kind::set) return "SET " + command.argument + "=" + command.value;
  if (command.kind == Kind::transaction) return command.argument;
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&command](const Word& one) { return one.kind == command.kind; });
  return std::string(found->word);
}

}  // namespace ballast
