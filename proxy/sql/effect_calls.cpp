// What a statement calls and what it makes, wherever in it that stands.
#include <algorithm>
#include <array>

#include "proxy/sql/effect_reader.hpp"
#include "proxy/sql/known_functions.hpp"

namespace ballast {
namespace {

// INSERT INTO t (a), CREATE TABLE t (a int), AS t(a), WITH x (a) AS: a name behind one of these is never
// called.
bool introduces_relation(const Token& word) {
  return word.kind == TokenKind::word && word.is_one_of({"as", "into", "table", "exists", "only", "with",
                                                         "references", "copy", "view", "recursive"});
}

// CREATE [OR REPLACE] [LOCAL] TEMP, SELECT ... INTO [LOCAL] TEMP; in INSERT INTO temp it is a table's name.
bool makes_temporary(const Token& before, const Token& second_before) {
  if (before.is("into")) return !second_before.is_one_of({"insert", "merge"});
  return before.is_one_of({"create", "replace", "global", "local"});
}

// Quick: may note_word() find something?
bool may_tell(const Token& name) {
  const char first = to_lower(*name.begin);
  return first == 't' || first == 'p' || first == 'e' || first == '"';
}

bool begins_with(const Token& name, std::string_view lower_case) {
  const std::string_view text = name.kind == TokenKind::quoted_name ? name.text().substr(1) : name.text();
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(),
                    [](char expected, char c) { return expected == to_lower(c); });
}

struct Clause {
  std::string_view word;
  std::string_view before;  // a word, a parenthesis, or nothing: a name that is no key word
};

// Key words that may be the names of functions, but not where these clauses have them.
constexpr std::array clauses{
    Clause{"brin", "using"},  Clause{"btree", "using"},      Clause{"by", "group"},
    Clause{"by", "order"},    Clause{"by", "partition"},     Clause{"conflict", "on"},
    Clause{"cube", "by"},     Clause{"filter", ")"},         Clause{"gin", "using"},
    Clause{"gist", "using"},  Clause{"hash", "using"},       Clause{"include", ")"},
    Clause{"inherits", ")"},  Clause{"insert", "then"},      Clause{"key", "foreign"},
    Clause{"key", "primary"}, Clause{"materialized", "not"}, Clause{"options", ""},
    Clause{"over", ")"},      Clause{"reset", ""},           Clause{"rollup", "by"},
    Clause{"set", ""},        Clause{"sets", "grouping"},    Clause{"spgist", "using"},
    Clause{"varying", "bit"}, Clause{"varying", "char"},     Clause{"varying", "character"},
    Clause{"zone", "time"},
};

bool opens_clause(const Token& word, const Token& before) {
  return std::any_of(clauses.begin(), clauses.end(), [&](const Clause& clause) {
    if (!word.is(clause.word)) return false;
    if (clause.before == ")") return before.is(')');
    if (!clause.before.empty()) return before.is(clause.before);
    return before.is_name() && !before.is("by") && function_kind(before.text()) != FunctionKind::syntax;
  });
}

FunctionKind kind_of(const Token& name) {
  if (name.kind == TokenKind::word) return function_kind(name.text());
  const std::string quoted = identifier(name);
  const bool is_folded = std::none_of(quoted.begin(), quoted.end(), [](char c) { return to_lower(c) != c; });
  return is_folded ? function_kind(quoted) : FunctionKind::unknown;
}

}  // namespace

// To the end of the statement. Semicolons in parentheses belong to it (CREATE RULE ... DO (a; b)); anywhere
// else PostgreSQL refuses them, and with them the whole text.
void EffectReader::rest() {
  int depth = 0;
  for (;;) {
    if (token_.is_name()) {
      note_name();
    } else if (token_.kind == TokenKind::symbol) {
      if (token_.is(';') && depth == 0) return;
      if (token_.is('(')) {
        ++depth;
        call();
      } else if (token_.is(')') && depth > 0) {
        --depth;
      }
      name_.schema = token_.is('.') ? name_.name : Token();
      name_.name = token_;
    } else {
      if (token_.kind == TokenKind::end) break;
      if (token_.kind == TokenKind::unicode_name) add(Residue::anything);
      forget_name();
    }
    if (lexer_.skip_trifles()) forget_name();
    advance();
  }
  if (depth != 0) add(Residue::anything);
}

void EffectReader::note_name() {
  if (name_.schema.is_name() && name_.name.is('.')) {
    name_.name = token_;
    if (token_.is("pg_settings") && name_.before.is("update")) add(Residue::settings);
    return;
  }
  const Token second_before = name_.before;
  name_.before = name_.name;
  name_.schema = {};
  name_.name = token_;
  if (may_tell(token_)) note_word(second_before);
}

// The few words that tell something by themselves.
void EffectReader::note_word(const Token& second_before) {
  if (token_.is("pg_settings") && name_.before.is("update")) add(Residue::settings);
  if (begins_with(token_, "pg_temp")) add(Residue::temp_objects | Residue::own_backend);
  if (token_.is_one_of({"temp", "temporary"}) && makes_temporary(name_.before, second_before))
    add(Residue::temp_objects);
  if (token_.is("execute") && name_.before.is("as")) {
    add(Residue::anything);
    note_executed(peek());
  }
}

// A parenthesis opens behind name_, which may be the name of a function.
void EffectReader::call() {
  if (calls_ == Calls::ignored || !name_.name.is_name() || introduces_relation(name_.before)) return;
  if (relation_ == Relation::indexed && name_.before.is("on")) return;
  FunctionKind kind = kind_of(name_.name);
  const bool is_bare = !name_.schema.is_name();
  if (is_bare && name_.name.kind == TokenKind::word) {
    if (kind == FunctionKind::syntax ||
        (kind == FunctionKind::unknown && opens_clause(name_.name, name_.before)))
      return;
  }
  const std::string schema = is_bare ? std::string() : identifier(name_.schema);
  const bool is_built_in = is_bare || schema == "pg_catalog";
  // Extensions may be in any schema.
  const bool is_elsewhere = kind == FunctionKind::runs_text || kind == FunctionKind::unseen;
  if (kind == FunctionKind::syntax || (!is_built_in && !is_elsewhere)) kind = FunctionKind::unknown;
  called(kind, schema);
}

void EffectReader::called(FunctionKind kind, const std::string& schema) {
  switch (kind) {
    case FunctionKind::unknown:
      return note_function(schema.empty() ? identifier(name_.name) : schema + "." + identifier(name_.name));
    case FunctionKind::harmless:
    case FunctionKind::syntax:
      return;
    case FunctionKind::set_config:
      return set_config_scope(lexer_, setting_argument(lexer_));
    case FunctionKind::current_setting:
      setting_argument(lexer_);
      return;
    case FunctionKind::advisory_lock:
      return add(Residue::advisory_locks);
    case FunctionKind::sequence_use:
      return add(Residue::sequence_use);
    case FunctionKind::sequence_read:
      return add(Residue::sequence_read);
    case FunctionKind::random_seed:
      return add(Residue::random_seed);
    case FunctionKind::own_backend:
      return add(Residue::own_backend);
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

void EffectReader::note_executed(const Token& name) {
  if (!name.is_name()) return;
  std::string executed = identifier(name);
  auto& names = effect_.executes;
  const bool is_new = std::find(names.begin(), names.end(), executed) == names.end();
  if (is_new && names.size() < names_max) names.push_back(std::move(executed));
}

}  // namespace ballast
