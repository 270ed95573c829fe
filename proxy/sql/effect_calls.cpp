// What a statement calls and what it makes, wherever in it that stands.
#include <algorithm>
#include <initializer_list>

#include "proxy/sql/effect_reader.hpp"
#include "proxy/sql/known_functions.hpp"

namespace ballast {
namespace {

bool is_one_of(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return token.is(word); });
}

// INSERT INTO t (a), CREATE TABLE t (a int), AS t(a), WITH x (a) AS: a name behind one of these is never
// called.
bool introduces_relation(const Token& word) {
  return is_one_of(
      word, {"as", "into", "table", "exists", "only", "with", "references", "copy", "view", "recursive"});
}

// CREATE [OR REPLACE] [LOCAL] TEMP, SELECT ... INTO [LOCAL] TEMP; in INSERT INTO temp it is a table's name.
bool makes_temporary(const Token& before, const Token& second_before) {
  if (before.is("into")) return !is_one_of(second_before, {"insert", "merge"});
  return is_one_of(before, {"create", "replace", "global", "local"});
}

bool begins_with(const Token& name, std::string_view lower_case) {
  const std::string_view text = name.kind == TokenKind::quoted_name ? name.text().substr(1) : name.text();
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                    [](char expected, char c) { return expected == to_lower(c); });
}

}  // namespace

// To the end of the statement. Semicolons in parentheses belong to it (CREATE RULE ... DO (a; b)); anywhere
// else PostgreSQL refuses them, and with them the whole text.
void EffectReader::rest() {
  int depth = 0;
  for (;; advance()) {
    switch (token_.kind) {
      case TokenKind::end:
        if (depth != 0) add(Residue::anything);
        return;
      case TokenKind::word:
      case TokenKind::quoted_name:
        note_name();
        continue;  // with its neighbours it means more
      case TokenKind::unicode_name:
      case TokenKind::broken:
        add(Residue::anything);
        break;
      case TokenKind::string:
      case TokenKind::dollar_string:
      case TokenKind::constant:
        break;
      case TokenKind::symbol:
        if (token_.is(';') && depth == 0) return;
        if (token_.is('.')) {
          name_.schema = name_.name;
          name_.name = {};
          continue;
        }
        if (token_.is('(')) {
          ++depth;
          call();
        } else if (token_.is(')') && depth > 0) {
          --depth;
        }
    }
    name_.name = {};
    name_.schema = {};
  }
}

void EffectReader::note_name() {
  if (name_.schema.is_name() && !name_.name.is_name()) {
    name_.name = token_;
    return;
  }
  const Token second_before = name_.before;
  name_.before = name_.name;
  name_.schema = {};
  name_.name = token_;
  switch (*token_.begin) {
    case 'e':
    case 'E':
      if (token_.is("execute") && name_.before.is("as")) add(Residue::anything);
      break;
    case 'p':
    case 'P':
    case '"':
      if (begins_with(token_, "pg_temp")) add(Residue::temp_objects);
      break;
    case 't':
    case 'T':
      if (is_one_of(token_, {"temp", "temporary"}) && makes_temporary(name_.before, second_before))
        add(Residue::temp_objects);
      break;
    default:
      break;
  }
}

// A parenthesis opens behind name_, which may be the name of a function.
void EffectReader::call() {
  if (calls_ == Calls::ignored || !name_.name.is_name() || introduces_relation(name_.before)) return;
  if (relation_ == Relation::indexed && name_.before.is("on")) return;
  const std::string name = identifier(name_.name);
  FunctionKind kind = function_kind(name);
  const bool is_bare = !name_.schema.is_name();
  if (kind == FunctionKind::syntax && is_bare && name_.name.kind == TokenKind::word) return;
  const std::string schema = is_bare ? std::string() : identifier(name_.schema);
  const bool is_built_in = is_bare || schema == "pg_catalog";
  // Extensions may be in any schema.
  const bool is_elsewhere = kind == FunctionKind::runs_text || kind == FunctionKind::unseen;
  if (kind == FunctionKind::syntax || (!is_built_in && !is_elsewhere)) kind = FunctionKind::unknown;
  called(kind, is_bare ? name : schema + "." + name);
}

void EffectReader::called(FunctionKind kind, const std::string& name) {
  switch (kind) {
    case FunctionKind::unknown:
      return note_function(name);
    case FunctionKind::harmless:
    case FunctionKind::syntax:
      return;
    case FunctionKind::set_config:
      return set_config_arguments(lexer_);
    case FunctionKind::current_setting: {
      Lexer ahead = lexer_;
      return setting_argument(ahead);
    }
    case FunctionKind::advisory_lock:
      return add(Residue::advisory_locks);
    case FunctionKind::sequence_use:
      return add(Residue::sequence_use);
    case FunctionKind::sequence_read:
      return add(Residue::sequence_read);
    case FunctionKind::runs_text:
      return add(Residue::anything);
    case FunctionKind::unseen:
      return add(Residue::unseen);
  }
}

void EffectReader::note_function(const std::string& name) {
  auto& functions = effect_.functions;
  if (std::find(functions.begin(), functions.end(), name) != functions.end()) return;
  if (functions.size() == names_max) return add(Residue::anything);
  functions.push_back(name);
}

}  // namespace ballast
