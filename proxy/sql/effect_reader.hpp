// EffectReader: goes through a text token by token and notes in a StatementEffect what it finds. The first
// words of a statement say what it is (manual, part VI, I); the rest is searched for calls of functions and
// temporary objects.
//
// Pure. For one text: construct, read() once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/sql/known_functions.hpp"
#include "proxy/sql/lexer.hpp"
#include "proxy/sql/statement_effect.hpp"

namespace ballast {

class EffectReader {
 public:
  // `effect` is as new.
  EffectReader(std::string_view text, StatementEffect& effect) : lexer_(text), effect_(effect) {}

  void read();

 private:
  // Is a name in front of a parenthesis called? That in CREATE FUNCTION f(int) is not.
  enum class Calls : std::uint8_t { counted, ignored };
  // In CREATE INDEX that behind ON is a table's.
  enum class Relation : std::uint8_t { none, indexed };
  // The name just seen, with its schema and the word in front of it; no names where there are none.
  struct Name {
    Token before;
    Token schema;
    Token name;
  };
  static constexpr std::size_t names_max = 64;  // of a kind, that one text may tell

  // The first words; each leaves token_ where the search for calls begins.
  void statement();
  void explain();
  void begin();
  bool accept_mode();
  void end_transaction(TransactionControl control);
  void discard();
  void listen(ChannelChange::Kind kind);
  void declare();
  void prepare();
  void execute();
  void drop();
  void create();
  void alter();
  void routine();

  // effect_settings.cpp
  void set();
  std::string setting_set();
  void reset();
  void show();
  bool is_clause(std::string_view word) const;
  std::string setting_name();
  void note_setting(const std::string& name);
  void anything();
  void note_settings_in(const std::string& body, int depth);
  std::string setting_argument(Lexer ahead);
  void set_config_scope(Lexer ahead, const std::string& name);

  // effect_calls.cpp
  void rest();
  void note_name();
  void note_word(const Token& second_before);
  void call();
  void called(FunctionKind kind, const std::string& schema);
  void note_function(const std::string& name);
  void note_executed(const Token& name);

  void advance() { token_ = lexer_.next(); }
  void forget_name() { name_.schema = name_.name = {}; }
  Token peek() const;
  bool accept(std::string_view word);
  void skip_parentheses();
  void add(ResidueSet residue) { effect_.residue |= residue; }

  Lexer lexer_;  // behind token_
  Token token_;
  StatementEffect& effect_;
  int statements_ = 0;
  // Of the statement being read:
  Name name_;
  Calls calls_ = Calls::counted;
  Relation relation_ = Relation::none;
};

}  // namespace ballast
