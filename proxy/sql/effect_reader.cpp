#include "proxy/sql/effect_reader.hpp"

#include <array>

namespace ballast {
namespace {

enum class Verb {
  query,    // calls functions
  utility,  // names in front of parentheses are no calls
  abort,
  alter,
  anything,
  begin,
  close,
  commit,
  copy,
  create,
  deallocate,
  declare,
  discard,
  drop,
  execute,
  explain,
  listen,
  load,
  part_of_transaction,
  prepare,
  reset,
  set,
  show,
  start,
  unlisten,
};

struct FirstWord {
  std::string_view word;
  Verb verb;
};

// All of PostgreSQL 15's, sorted.
constexpr std::array first_words_known{
    FirstWord{"abort", Verb::abort},
    FirstWord{"alter", Verb::alter},
    FirstWord{"analyse", Verb::utility},
    FirstWord{"analyze", Verb::utility},
    FirstWord{"begin", Verb::begin},
    FirstWord{"call", Verb::anything},
    FirstWord{"checkpoint", Verb::utility},
    FirstWord{"close", Verb::close},
    FirstWord{"cluster", Verb::utility},
    FirstWord{"comment", Verb::utility},
    FirstWord{"commit", Verb::commit},
    FirstWord{"copy", Verb::copy},
    FirstWord{"create", Verb::create},
    FirstWord{"deallocate", Verb::deallocate},
    FirstWord{"declare", Verb::declare},
    FirstWord{"delete", Verb::query},
    FirstWord{"discard", Verb::discard},
    FirstWord{"do", Verb::anything},
    FirstWord{"drop", Verb::drop},
    FirstWord{"end", Verb::commit},
    FirstWord{"execute", Verb::execute},
    FirstWord{"explain", Verb::explain},
    FirstWord{"fetch", Verb::utility},
    FirstWord{"grant", Verb::utility},
    FirstWord{"import", Verb::utility},
    FirstWord{"insert", Verb::query},
    FirstWord{"listen", Verb::listen},
    FirstWord{"load", Verb::load},
    FirstWord{"lock", Verb::utility},
    FirstWord{"merge", Verb::query},
    FirstWord{"move", Verb::utility},
    FirstWord{"notify", Verb::utility},
    FirstWord{"prepare", Verb::prepare},
    FirstWord{"reassign", Verb::utility},
    FirstWord{"refresh", Verb::utility},
    FirstWord{"reindex", Verb::utility},
    FirstWord{"release", Verb::part_of_transaction},
    FirstWord{"reset", Verb::reset},
    FirstWord{"revoke", Verb::utility},
    FirstWord{"rollback", Verb::abort},
    FirstWord{"savepoint", Verb::part_of_transaction},
    FirstWord{"security", Verb::utility},
    FirstWord{"select", Verb::query},
    FirstWord{"set", Verb::set},
    FirstWord{"show", Verb::show},
    FirstWord{"start", Verb::start},
    FirstWord{"table", Verb::query},
    FirstWord{"truncate", Verb::utility},
    FirstWord{"unlisten", Verb::unlisten},
    FirstWord{"update", Verb::query},
    FirstWord{"vacuum", Verb::utility},
    FirstWord{"values", Verb::query},
    FirstWord{"with", Verb::query},
};
static_assert(std::ranges::is_sorted(first_words_known, {}, &FirstWord::word));

// Where the words of a letter begin; those of 'a' at 0.
constexpr auto first_of_letter = [] {
  std::array<std::size_t, 27> first{};
  for (const FirstWord& known : first_words_known) {
    const auto letter = static_cast<std::size_t>(known.word.front() - 'a');
    for (std::size_t later = letter + 1; later < first.size(); ++later) ++first[later];
  }
  return first;
}();

Verb verb_of(const Token& token) {
  if (token.is('(')) return Verb::query;
  if (token.kind != TokenKind::word) return Verb::anything;
  const char letter = to_lower(*token.begin);
  if (letter < 'a' || letter > 'z') return Verb::anything;
  const auto index = static_cast<std::size_t>(letter - 'a');
  for (std::size_t at = first_of_letter[index]; at < first_of_letter[index + 1]; ++at) {
    if (token.is(first_words_known[at].word)) return first_words_known[at].verb;
  }
  return Verb::anything;
}

}  // namespace

void EffectReader::read() {
  advance();
  while (token_.kind != TokenKind::end) {
    if (token_.is(';')) {
      advance();
      continue;
    }
    ++statements_;
    statement();
    rest();
  }
  if (lexer_.is_doubtful()) add(Residue::anything);
  effect_.is_empty = statements_ == 0;
  effect_.is_single = statements_ <= 1;
  if (!effect_.is_single) effect_.control = TransactionControl::none;
}

// From the first word of a statement to where the search for calls begins.
void EffectReader::statement() {
  name_ = {};
  calls_ = Calls::counted;
  relation_ = Relation::none;
  while (token_.is("explain")) explain();
  switch (verb_of(token_)) {
    case Verb::query:
      break;
    case Verb::utility:
      calls_ = Calls::ignored;
      break;
    case Verb::abort:
      return end_transaction(TransactionControl::rollback);
    case Verb::alter:
      return alter();
    case Verb::explain:
    case Verb::anything:
      return anything();
    case Verb::begin:
      return begin();
    case Verb::close:
      return add(Residue::hold_cursors);
    case Verb::commit:
      return end_transaction(TransactionControl::commit);
    case Verb::copy:
      if (peek().is('(')) advance();  // a query
      break;
    case Verb::create:
      return create();
    case Verb::deallocate:
      return add(Residue::prepared);
    case Verb::declare:
      return declare();
    case Verb::discard:
      return discard();
    case Verb::drop:
      return drop();
    case Verb::execute:
      return execute();
    case Verb::listen:
      return listen(ChannelChange::Kind::listen);
    case Verb::load:
      return add(Residue::unseen | Residue::own_backend);
    case Verb::part_of_transaction:
      effect_.has_control = true;
      break;
    case Verb::prepare:
      return prepare();
    case Verb::reset:
      return reset();
    case Verb::set:
      return set();
    case Verb::show:
      return show();
    case Verb::start:
      return begin();
    case Verb::unlisten:
      return listen(ChannelChange::Kind::unlisten);
  }
}

// EXPLAIN [ANALYZE] [VERBOSE] or EXPLAIN (options), in front of a statement.
void EffectReader::explain() {
  advance();
  while (token_.is_one_of({"analyze", "analyse", "verbose"})) advance();
  if (token_.is('(') && !peek().is('(') && !peek().is_one_of({"select", "values", "with", "table"}))
    skip_parentheses();
}

void EffectReader::begin() {
  effect_.has_control = true;
  const bool is_start = token_.is("start");
  advance();
  const bool has_noun = accept("transaction") || (!is_start && accept("work"));
  if (is_start && !has_noun) return;
  while (!token_.ends_statement()) {
    if (!accept_mode()) return;
    if (!token_.is(',')) continue;
    advance();
    if (token_.ends_statement()) return;
  }
  effect_.control = TransactionControl::begin;
}

bool EffectReader::accept_mode() {
  if (accept("read")) return accept("only") || accept("write");
  if (accept("deferrable")) return true;
  if (accept("not")) return accept("deferrable");
  if (!accept("isolation") || !accept("level")) return false;
  if (accept("read")) return accept("committed") || accept("uncommitted");
  if (accept("repeatable")) return accept("read");
  return accept("serializable");
}

void EffectReader::end_transaction(TransactionControl control) {
  effect_.has_control = true;
  advance();
  if (!accept("work")) accept("transaction");
  if (accept("and") && (!accept("no") || !accept("chain"))) return;
  if (token_.ends_statement()) effect_.control = control;
}

void EffectReader::discard() {
  advance();
  if (token_.is("all")) {
    add(Residue::settings | Residue::advisory_locks | Residue::temp_objects | Residue::hold_cursors |
        Residue::prepared | Residue::listening | Residue::sequence_use);
    effect_.resets_all = true;
    effect_.channels.push_back({ChannelChange::Kind::unlisten_all, {}});
  } else if (token_.is("sequences")) {
    add(Residue::sequence_use);
  } else if (token_.is_one_of({"temp", "temporary"})) {
    add(Residue::temp_objects);
  }
}

void EffectReader::listen(ChannelChange::Kind kind) {
  add(Residue::listening);
  advance();
  if (token_.is_name()) {
    effect_.channels.push_back({kind, identifier(token_)});
  } else if (token_.is('*') && kind == ChannelChange::Kind::unlisten) {
    effect_.channels.push_back({ChannelChange::Kind::unlisten_all, {}});
  } else {
    add(Residue::anything);
  }
}

// DECLARE name [options] CURSOR [WITH HOLD] FOR query
void EffectReader::declare() {
  advance();
  if (token_.ends_statement()) return;
  advance();
  while (token_.kind == TokenKind::word && !token_.is("for")) {
    if (accept("with")) {
      if (token_.is("hold")) add(Residue::hold_cursors);
    } else {
      advance();
    }
  }
}

// PREPARE name [(types)] AS statement; or PREPARE TRANSACTION 'id'
void EffectReader::prepare() {
  advance();
  if (token_.is("transaction") && !peek().is("as") && !peek().is('(')) {
    effect_.has_control = true;
    return;
  }
  add(Residue::prepared);
  if (!token_.ends_statement()) advance();
  if (token_.is('(')) skip_parentheses();
}

void EffectReader::execute() {
  add(Residue::anything);
  advance();
  if (token_.ends_statement()) return;
  note_executed(token_);
  advance();
}

void EffectReader::drop() {
  add(Residue::temp_objects);
  calls_ = Calls::ignored;
}

void EffectReader::create() {
  advance();
  while (token_.is_one_of({"or", "replace", "global", "local", "temp", "temporary", "unlogged", "unique",
                           "recursive", "materialized", "constraint", "trusted", "procedural", "foreign"})) {
    if (token_.is_one_of({"temp", "temporary"})) add(Residue::temp_objects);
    advance();
  }
  if (token_.is_one_of({"function", "procedure"})) return routine();
  if (token_.is("extension")) return add(Residue::anything);  // runs a script
  if (token_.is("index")) relation_ = Relation::indexed;
  // What these define does not run here.
  if (token_.is_one_of({"access", "aggregate",  "cast",     "collation", "conversion", "database", "domain",
                        "event",  "group",      "language", "operator",  "policy",     "role",     "rule",
                        "server", "statistics", "text",     "transform", "trigger",    "type",     "user"}))
    calls_ = Calls::ignored;
}

void EffectReader::alter() {
  advance();
  if (token_.is("extension")) return add(Residue::anything);
  if (token_.is_one_of({"aggregate", "function", "operator", "procedure", "routine", "type"}))
    calls_ = Calls::ignored;
}

// The body does not run. One without quotes (BEGIN ATOMIC ... END) has semicolons of its own; what is taken
// for its end may be a label named so, hence `anything`.
void EffectReader::routine() {
  calls_ = Calls::ignored;
  int depth = 0;
  for (;; advance()) {
    if (token_.kind == TokenKind::end || (token_.is(';') && depth == 0)) return;
    if (token_.is_name()) note_name();  // it may be made in pg_temp
    if (token_.kind == TokenKind::unicode_name) add(Residue::anything);
    if (token_.is("begin") && peek().is("atomic")) {
      add(Residue::anything);
      ++depth;
    } else if (depth > 0 && token_.is("case")) {
      ++depth;
    } else if (depth > 0 && token_.is("end")) {
      --depth;
    }
  }
}

Token EffectReader::peek() const { return Lexer(lexer_).next(); }

bool EffectReader::accept(std::string_view word) {
  if (!token_.is(word)) return false;
  advance();
  return true;
}

void EffectReader::skip_parentheses() {
  int depth = 0;
  do {
    if (token_.is('(')) ++depth;
    if (token_.is(')')) --depth;
    advance();
  } while (depth > 0 && token_.kind != TokenKind::end);
  if (depth > 0) add(Residue::anything);
}

StatementEffect read_effect(std::string_view text) {
  StatementEffect effect;
  read_effect(text, effect);
  return effect;
}

void read_effect(std::string_view text, StatementEffect& effect) {
  effect.clear();
  EffectReader(text, effect).read();
  // As a part of search_path it is a string.
  if (effect.residue.has(Residue::settings) && text.find("pg_temp") != std::string_view::npos)
    effect.residue |= Residue::temp_objects | Residue::own_backend;
}

}  // namespace ballast
