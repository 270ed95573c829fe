#include "tests/sim/sql.hpp"

#include <charconv>
#include <utility>

namespace ballast::sim {

namespace {

struct Word {
  enum class Kind { bare, literal, identifier, sign };
  Kind kind;
  std::string text;
};

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.';
}

// Text up to the closing quote, which written twice stands for itself.
bool read_quoted(std::string_view& text, char quote, bool has_escapes, std::string& out) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (has_escapes && text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i];
    } else if (text[i] != quote) {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == quote) {
      out += text[++i];
    } else {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool split(std::string_view text, std::vector<Word>& words) {
  while (!text.empty()) {
    const char first = text.front();
    if (first == ' ') {
      text.remove_prefix(1);
    } else if (first == '\'' || text.starts_with("E'")) {
      const bool has_escapes = first == 'E';
      if (has_escapes) text.remove_prefix(1);
      words.push_back({Word::Kind::literal, {}});
      if (!read_quoted(text, '\'', has_escapes, words.back().text)) return false;
    } else if (first == '"') {
      words.push_back({Word::Kind::identifier, {}});
      if (!read_quoted(text, '"', false, words.back().text)) return false;
    } else if (is_word_char(first)) {
      std::size_t end = 0;
      while (end < text.size() && is_word_char(text[end])) ++end;
      words.push_back({Word::Kind::bare, std::string(text.substr(0, end))});
      text.remove_prefix(end);
    } else {
      words.push_back({Word::Kind::sign, std::string(1, first)});
      text.remove_prefix(1);
    }
  }
  return true;
}

// Reads the words of one command, in order.
class CommandReader {
 public:
  explicit CommandReader(const std::vector<Word>& words) : words_(words) {}

  std::optional<Command> read();

 private:
  bool is_at_end() const { return at_ == words_.size(); }
  bool next_is(std::string_view text) {
    if (is_at_end() || words_[at_].kind == Word::Kind::literal || words_[at_].text != text) return false;
    ++at_;
    return true;
  }
  bool read_text(std::string& out) {
    if (is_at_end() || words_[at_].kind == Word::Kind::sign) return false;
    out = words_[at_++].text;
    return true;
  }
  bool read_number(int& out) {
    if (is_at_end()) return false;
    const std::string& text = words_[at_++].text;
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
  }
  bool read_token(Command& command) {
    command.takes_parameter = next_is("$1");
    return command.takes_parameter || read_text(command.token);
  }
  // "a"."b"
  bool read_name(std::string& out) {
    if (!read_text(out)) return false;
    std::string part;
    while (next_is(".") && read_text(part)) out += "." + part;
    return true;
  }
  bool read_select(Command& command);
  bool read_copy(Command& command);
  bool read_set(Command& command);
  bool read_rest(Command& command);

  const std::vector<Word>& words_;
  std::size_t at_ = 0;
};

using Kind = Command::Kind;

bool CommandReader::read_select(Command& command) {
  const bool is_of_settings = next_is("CASE");  // 's', or 'x' for what is a superuser's
  if (!is_at_end() &&
      (is_of_settings || (words_[at_].kind == Word::Kind::literal && words_[at_].text.size() == 1))) {
    command.kind = Kind::audit;  // its first column is a letter; what follows is not understood here
    command.name = is_of_settings ? "s" : words_[at_].text;
    at_ = words_.size();
    return true;
  }
  if (next_is("pg_catalog.current_setting")) {
    command.kind = Kind::limits;
    at_ = words_.size();
    return true;
  }
  if (!next_is("pg_catalog.set_config")) return read_token(command);
  command.kind = Kind::set_config;
  return next_is("(") && read_text(command.name) && next_is(",") && read_text(command.value) &&
         next_is(",") && next_is("false") && next_is(")");
}

bool CommandReader::read_copy(Command& command) {
  if (next_is("IN")) {
    command.kind = Kind::copy_in;
    return read_text(command.token);
  }
  command.kind = Kind::copy_out;
  return next_is("OUT") && read_number(command.count) && read_number(command.size) &&
         read_text(command.token);
}

bool CommandReader::read_set(Command& command) {
  command.kind = next_is("LOCAL") ? Kind::set_local : Kind::set;
  return read_name(command.name) && (next_is("=") || next_is("TO")) && read_text(command.value);
}

bool CommandReader::read_rest(Command& command) {
  if (next_is("SELECT")) return read_select(command);
  if (next_is("COPY")) return read_copy(command);
  if (next_is("SET")) return read_set(command);
  if (next_is("ROWS")) {
    command.kind = Kind::rows;
    return read_number(command.count) && read_number(command.size) && read_token(command);
  }
  if (next_is("SLEEP")) {
    command.kind = Kind::sleep;
    return read_number(command.size) && read_token(command);
  }
  if (next_is("RESET")) {
    command.kind = Kind::reset;
    return read_name(command.name);
  }
  if (next_is("NOTICE")) {
    command.kind = Kind::notice;
    return read_text(command.token);
  }
  constexpr std::pair<std::string_view, Kind> single_words[] = {{"BEGIN", Kind::begin},
                                                                {"COMMIT", Kind::commit},
                                                                {"ROLLBACK", Kind::rollback},
                                                                {"FAIL", Kind::fail},
                                                                {"DDL", Kind::ddl}};
  for (const auto& [word, kind] : single_words) {
    if (!next_is(word)) continue;
    command.kind = kind;
    return true;
  }
  command.kind = next_is("DISCARD") ? Kind::discard_all : Kind::deallocate_all;
  return (command.kind == Kind::discard_all || next_is("DEALLOCATE")) && next_is("ALL");
}

std::optional<Command> CommandReader::read() {
  Command command;
  if (!read_rest(command) || !is_at_end()) return std::nullopt;
  return command;
}

}  // namespace

bool Command::returns_rows() const {
  return kind == Kind::select || kind == Kind::rows || kind == Kind::sleep || kind == Kind::set_config;
}

std::optional<std::vector<Command>> parse_sql(std::string_view text) {
  std::vector<Word> words;
  if (!split(text, words)) return std::nullopt;
  words.push_back({Word::Kind::sign, ";"});
  std::vector<Command> commands;
  std::vector<Word> one;
  for (Word& word : words) {
    if (word.kind != Word::Kind::sign || word.text != ";") {
      one.push_back(std::move(word));
      continue;
    }
    if (one.empty()) continue;
    std::optional<Command> command = CommandReader(one).read();
    if (!command) return std::nullopt;
    commands.push_back(std::move(*command));
    one.clear();
  }
  return commands;
}

}  // namespace ballast::sim
