// What a statement does to settings: SET, RESET, SHOW and the functions that do the same.
#include <algorithm>
#include <utility>

#include "proxy/sql/effect_reader.hpp"

namespace ballast {
namespace {

std::string lower(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  return name;
}

bool is_default(const Token& token) { return token.is("default"); }

}  // namespace

// Is the next word part of the syntax, and not the name of a setting: SET LOCAL x, but SET local.x = 1?
bool EffectReader::is_clause(std::string_view word) const {
  if (!token_.is(word)) return false;
  const Token next = peek();
  return !next.is('.') && !next.is('=') && !next.is("to");
}

void EffectReader::set() {
  calls_ = Calls::ignored;
  advance();
  if (is_clause("constraints")) return;
  const bool is_local = is_clause("local");
  const Token next = peek();
  if (is_local || (is_clause("session") && !next.is("authorization") && !next.is("characteristics")))
    advance();
  if (is_clause("transaction")) return;
  if (!is_local) add(Residue::settings);
  const std::string name = setting_set();
  if (is_local) return;
  if (name.empty()) {
    effect_.sets = true;
  } else {
    effect_.resets.push_back(name);
  }
}

// The setting that goes back to its default, if that is what SET is for.
std::string EffectReader::setting_set() {
  if (token_.is("time") && peek().is("zone")) {
    advance();
    advance();
    return is_default(token_) || token_.is("local") ? "timezone" : "";
  }
  if (is_clause("names")) {
    advance();
    return is_default(token_) || token_.ends_statement() ? "client_encoding" : "";
  }
  if (token_.is("session") && peek().is("authorization")) {
    advance();
    advance();
    return is_default(token_) ? "session_authorization" : "";
  }
  if (is_clause("session") || is_clause("role") || is_clause("schema") || is_clause("xml")) return {};
  std::string name = setting_name();
  if (!token_.is('=') && !token_.is("to")) return {};
  advance();
  return is_default(token_) ? name : std::string();
}

void EffectReader::reset() {
  calls_ = Calls::ignored;
  add(Residue::settings);
  advance();
  if (token_.is("all")) {
    effect_.resets_all = true;
  } else if (token_.is("time") && peek().is("zone")) {
    effect_.resets.emplace_back("timezone");
  } else if (token_.is("session") && peek().is("authorization")) {
    effect_.resets.emplace_back("session_authorization");
  } else if (token_.is("transaction") && peek().is("isolation")) {
    effect_.resets.emplace_back("transaction_isolation");
  } else if (std::string name = setting_name(); !name.empty()) {
    effect_.resets.push_back(std::move(name));
  }
}

void EffectReader::show() {
  calls_ = Calls::ignored;
  advance();
  setting_name();
}

// a.b.c, in lower case: settings are found in any case, and quotes change nothing.
std::string EffectReader::setting_name() {
  std::string name;
  while (token_.is_name()) {
    name += lower(identifier(token_));
    advance();
    if (!token_.is('.')) break;
    name += '.';
    advance();
  }
  note_setting(name);
  return name;
}

void EffectReader::note_setting(const std::string& name) {
  if (name == "seed") add(Residue::random_seed);
  if (name.find('.') == std::string::npos) return;
  // Those of a procedural language are its library's, once that has been loaded: by whomever.
  if (name.starts_with("pl")) add(Residue::own_backend);
  auto& settings = effect_.custom_settings;
  if (std::find(settings.begin(), settings.end(), name) != settings.end()) return;
  if (settings.size() == names_max) {
    effect_.names_are_parameters = true;
  } else {
    settings.push_back(name);
  }
}

// DO [LANGUAGE name] 'body' at least shows the names of settings.
void EffectReader::anything() {
  add(Residue::anything);
  if (!token_.is("do")) return;
  constexpr int strings_deep = 2;  // the body, and what it may EXECUTE
  for (advance(); !token_.ends_statement(); advance()) {
    if (const std::optional<std::string> body = string_value(token_)) note_settings_in(*body, strings_deep);
  }
}

// SET x.y and set_config('x.y', ...), wherever they stand in the text of a procedural language.
void EffectReader::note_settings_in(const std::string& body, int depth) {
  const Lexer lexer = std::exchange(lexer_, Lexer(body));
  for (advance(); token_.kind != TokenKind::end;) {
    if (accept("set")) {
      if (is_clause("session")) advance();
      setting_name();
      continue;
    }
    if (token_.is("set_config") && peek().is('(')) {
      advance();
      setting_argument(lexer_);
    } else if (const auto inner = string_value(token_); inner && depth > 1) {
      note_settings_in(*inner, depth - 1);
    }
    advance();
  }
  lexer_ = lexer;
}

// The first argument of set_config() and current_setting(): a string, maybe with a cast to a type. Empty: the
// text doesn't show it.
std::string EffectReader::setting_argument(Lexer ahead) {
  const std::optional<std::string> name = string_value(ahead.next());
  Token next = Lexer(ahead).next();
  if (next.is(':')) {
    for (int skipped = 0; skipped < 3; ++skipped) ahead.next();
    next = Lexer(ahead).next();
  }
  if (name && (next.is(',') || next.is(')'))) {
    note_setting(lower(*name));
    return lower(*name);
  }
  effect_.names_are_parameters = true;
  return {};
}

// Only a literal `true` as the third argument says that nothing outlasts the transaction. And SELECT
// set_config('x', null, false), if that is all, is a RESET. Looks no further than values usually are long, so
// that nested calls cost no squares.
void EffectReader::set_config_scope(Lexer ahead, const std::string& name) {
  constexpr int tokens_max = 24;
  int depth = 1;
  int commas = 0;
  Token token;
  for (int count = 0; count < tokens_max && depth > 0; ++count) {
    const Token before = std::exchange(token, ahead.next());
    if (token.is('(')) ++depth;
    if (token.is(')')) --depth;
    if (!token.is(',') || depth != 1 || ++commas != 2) continue;
    const Token is_local = ahead.next();
    if (!ahead.next().is(')')) break;
    if (is_local.is("true")) return;
    const bool is_all = name_.before.is("select") && ahead.next().ends_statement();
    const bool is_built_in = name.find('.') == std::string::npos;
    if (is_all && is_built_in && before.is("null")) {
      effect_.resets.push_back(name);
      return add(Residue::settings);
    }
    break;
  }
  effect_.sets = true;
  add(Residue::settings);
}

}  // namespace ballast
