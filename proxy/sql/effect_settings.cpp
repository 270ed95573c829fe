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
  if (name.empty() || is_local) return;
  effect_.resets.push_back(name);
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

// The first argument of set_config() and current_setting(): a string, maybe with a cast to a type.
void EffectReader::setting_argument(Lexer ahead) {
  const std::optional<std::string> name = string_value(ahead.next());
  Token next = Lexer(ahead).next();
  if (next.is(':')) {
    for (int skipped = 0; skipped < 3; ++skipped) ahead.next();
    next = Lexer(ahead).next();
  }
  if (name && (next.is(',') || next.is(')'))) {
    note_setting(lower(*name));
  } else {
    effect_.names_are_parameters = true;
  }
}

// Only a literal `true` as the third argument says that nothing outlasts the transaction. Looks no further
// than values usually are long, so that nested calls cost no squares.
void EffectReader::set_config_scope(Lexer ahead) {
  constexpr int tokens_max = 24;
  int depth = 1;
  int commas = 0;
  for (int count = 0; count < tokens_max && depth > 0; ++count) {
    const Token token = ahead.next();
    if (token.is('(')) ++depth;
    if (token.is(')')) --depth;
    if (!token.is(',') || depth != 1 || ++commas != 2) continue;
    if (ahead.next().is("true") && ahead.next().is(')')) return;
    break;
  }
  add(Residue::settings);
}

}  // namespace ballast
