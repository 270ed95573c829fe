#include "proxy/sql/repeatable.hpp"

#include <algorithm>
#include <initializer_list>

#include "proxy/sql/known_functions.hpp"
#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

bool is_one_of(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return token.is(word); });
}

Repeatable of_first_word(const Token& token) {
  if (is_one_of(token, {"select", "values", "table", "with", "show"})) return Repeatable::always;
  if (is_one_of(token, {"insert", "update", "delete", "merge"})) return Repeatable::if_undone;
  // What poolers of drivers say to a connection that comes back, and what new ones are told.
  if (is_one_of(token, {"set", "reset", "close", "unlisten", "discard"})) return Repeatable::always;
  return Repeatable::never;
}

bool begins(const Token& name, std::string_view prefix) {
  return name.size >= prefix.size() && equals_folded(name.begin, prefix);
}

// Functions of PostgreSQL's own that act on more than they return mostly have such names.
bool may_act(const Token& name) { return begins(name, "pg_") || begins(name, "lo_") || name.is("lowrite"); }

Repeatable of_call(const Token& name, bool is_qualified) {
  const bool is_plain_word = name.kind == TokenKind::word && !is_qualified;
  switch (name.is_name() ? function_kind(name.text()) : FunctionKind::syntax) {
    case FunctionKind::harmless:
      return may_act(name) ? Repeatable::if_undone : Repeatable::always;
    case FunctionKind::current_setting:
      return Repeatable::always;
    case FunctionKind::syntax:
      return is_plain_word || !name.is_name() ? Repeatable::always : Repeatable::if_undone;
    case FunctionKind::advisory_lock:  // those of the lost server's session are free, or will be
      return begins(name, "pg_advisory_unlock") ? Repeatable::always : Repeatable::never;
    case FunctionKind::unknown:
    case FunctionKind::sequence_use:
      return Repeatable::if_undone;
    default:
      return Repeatable::never;
  }
}

}  // namespace

Repeatable repeatable(std::string_view sql) {
  Lexer lexer(sql);
  Repeatable all = Repeatable::always;
  const auto add = [&all](Repeatable part) { all = std::min(all, part); };
  Token last;
  Token before_last;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (token.kind == TokenKind::broken || token.kind == TokenKind::unicode_name) return Repeatable::never;
    const bool is_first = last.kind == TokenKind::end || last.is(';');
    if (is_first && !token.is(';')) {
      add(of_first_word(token));
    } else if (is_one_of(token, {"insert", "update", "delete", "merge"})) {
      add(Repeatable::if_undone);
    } else if (token.is("into")) {
      add(all == Repeatable::always ? Repeatable::never : all);  // SELECT INTO makes a table
    } else if (token.is('(')) {
      add(of_call(last, before_last.is('.')));
    }
    before_last = last;
    last = token;
  }
  return lexer.is_doubtful() ? Repeatable::never : all;
}

}  // namespace ballast
