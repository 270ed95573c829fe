// The lexer and what is made of it, for any text: tokens lie in the text and in order; a glance says what a
// look says; the table says what reading says; and nothing hides a statement that follows, unless the text
// counts as anything.
#include <string>
#include <string_view>

#include "proxy/sql/effect_table.hpp"
#include "proxy/sql/glance.hpp"
#include "proxy/sql/lexer.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

// Does PostgreSQL take all tokens?
bool check_tokens(std::string_view text) {
  Lexer lexer(text);
  const char* last = text.data();
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    fuzz::require(token.size > 0 && token.begin >= last);
    last = token.begin + token.size;
    fuzz::require(last <= text.data() + text.size());
    if (token.is_name()) fuzz::require(identifier(token).size() <= 63);
    if (const auto value = string_value(token)) fuzz::require(value->size() <= token.size);
  }
  return !lexer.is_doubtful();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::Input(data, size).rest();
  const bool is_clear = check_tokens(text);
  const StatementEffect effect = read_effect(text);
  if (!is_clear) fuzz::require(effect.residue.has(Residue::anything));
  if (is_clear && is_plain_at_a_glance(text)) fuzz::require(effect == plain_effect);
  EffectTable table(4096);
  for (int times = 0; is_clear && times < 3; ++times) fuzz::require(table.of(text) == effect);
  fuzz::require(read_effect("/* /* ' */ */ -- $$\n" + std::string(text)) == effect);
  const ResidueSet followed = read_effect(std::string(text) + "\n;SET x = 1").residue;
  fuzz::require(followed.has(Residue::settings) || followed.has(Residue::anything));
  return 0;
}
