#include "proxy/session/deallocate.hpp"

#include <cstddef>

namespace ballast {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_word(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

void skip_spaces(std::string_view& sql) {
  while (!sql.empty() && is_space(sql.front())) sql.remove_prefix(1);
}

// An identifier or key word, folded as PostgreSQL folds it (ASCII letters).
std::string take_word(std::string_view& sql) {
  std::string word;
  while (!sql.empty() && is_word(sql.front())) {
    word.push_back(lower(sql.front()));
    sql.remove_prefix(1);
  }
  skip_spaces(sql);
  return word;
}

std::optional<std::string> take_quoted(std::string_view& sql) {
  std::string name;
  sql.remove_prefix(1);
  while (!sql.empty()) {
    const char c = sql.front();
    sql.remove_prefix(1);
    if (c == '"') {
      if (sql.empty() || sql.front() != '"') {
        skip_spaces(sql);
        return name;
      }
      sql.remove_prefix(1);
    }
    name.push_back(c);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> deallocated_name(std::string_view sql) {
  skip_spaces(sql);
  if (sql.empty() || lower(sql.front()) != 'd' || take_word(sql) != "deallocate") return std::nullopt;
  const bool is_quoted = !sql.empty() && sql.front() == '"';
  std::optional<std::string> name = is_quoted ? take_quoted(sql) : take_word(sql);
  if (name == "prepare" && !is_quoted && !sql.empty() && sql.front() != ';') {
    const bool is_now_quoted = sql.front() == '"';
    name = is_now_quoted ? take_quoted(sql) : take_word(sql);
    if (name == "all" && !is_now_quoted) return std::nullopt;
  } else if (name == "all" && !is_quoted) {
    return std::nullopt;
  }
  if (!sql.empty() && sql.front() == ';') {
    sql.remove_prefix(1);
    skip_spaces(sql);
  }
  if (!name || name->empty() || !sql.empty()) return std::nullopt;
  return name;
}

}  // namespace ballast
