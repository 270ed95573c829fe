#include "proxy/sql/lexer.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

// Each token, with spaces between; the broken one as "<broken>".
std::string tokens(std::string_view text) {
  Lexer lexer(text);
  std::string all;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (!all.empty()) all += ' ';
    all += token.kind == TokenKind::broken ? "<broken>" : token.text();
  }
  return all;
}

Token first(std::string_view text) { return Lexer(text).next(); }

bool is_doubtful(std::string_view text) {
  Lexer lexer(text);
  while (lexer.next().kind != TokenKind::end) continue;
  return lexer.is_doubtful();
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

void check_tokens(const std::vector<Case>& cases) {
  for (const Case& example : cases) {
    CAPTURE(example.text);
    CHECK(tokens(example.text) == example.expected);
  }
}

}  // namespace

TEST_CASE("words, numbers, parameters and operators are told apart") {
  check_tokens({
      {"", ""},
      {"  \t\r\n\f ", ""},
      {"select a.b,$1::int4", "select a . b , $1 : : int4"},
      {"a$1 _x ünï", "a$1 _x ünï"},
      {"1.5e3 1from", "1 . 5 e3 1 from"},
      {"$12abc", "$12 abc"},
      {"a<>b||c", "a < > b | | c"},
      {"e b n x u U&x", "e b n x u U & x"},
      {"f(x);", "f ( x ) ;"},
  });
}

TEST_CASE("comments vanish, also nested ones and those that an operator runs into") {
  check_tokens({
      {"a -- b\nc", "a c"},
      {"a -- b\rc", "a c"},
      {"a -- b", "a"},
      {"a --", "a"},
      {"a - - b", "a - - b"},
      {"a*--b\n-c", "a * - c"},
      {"a+/*b*/c", "a + c"},
      {"/* a /* b */ c */ d", "d"},
      {"/*/ a */ b", "b"},
      {"/***/a/**/b", "a b"},
      {"/* '\" $$ -- \n*/ a", "a"},
      {"/* a /* b */ c", "<broken>"},
      {"/*", "<broken>"},
      {"/* *", "<broken>"},
      {"a / b", "a / b"},
  });
}

TEST_CASE("a string ends at its quote, whatever is in it") {
  check_tokens({
      {"'a;b' c", "'a;b' c"},
      {"'a''b' c", "'a''b' c"},
      {"'' c", "'' c"},
      {"'--' '/*' '\"' c", "'--' '/*' '\"' c"},
      {"E'a\\'b' c", "E'a\\'b' c"},
      {"e'a\\\\' c", "e'a\\\\' c"},
      {"E'a''\\'' c", "E'a''\\'' c"},
      {"N'a' X'1F' b'01' U&'d\\0061' c", "N'a' X'1F' b'01' U&'d\\0061' c"},
      {"'a' 'b'", "'a' 'b'"},
      {"'a", "<broken>"},
      {"E'a\\'", "<broken>"},
      {"'a''", "<broken>"},
      {"xe'a'", "xe 'a'"},  // only a lone letter is a prefix
  });
}

TEST_CASE("a string continues behind a newline, in the same way of escaping") {
  check_tokens({
      {"'a'\n'b' c", "'a'\n'b' c"},
      {"'a' -- x\n  'b' c", "'a' -- x\n  'b' c"},
      {"E'a'\n'b\\'' c", "E'a'\n'b\\'' c"},
      {"'a' /* x \n */ 'b'", "'a' 'b'"},
      {"'a' -- x", "'a'"},
      {"'a'\n- 1", "'a' - 1"},
  });
  CHECK(string_value(first("'a'\n 'b''c' --\n 'd'")) == "ab'cd");
}

TEST_CASE("dollar quotes end at the same tag only") {
  check_tokens({
      {"$$a'b;$$ c", "$$a'b;$$ c"},
      {"$a$ $b$ $$ $ab$ $a$ c", "$a$ $b$ $$ $ab$ $a$ c"},
      {"$a$ x $a $a$ c", "$a$ x $a $a$ c"},
      {"$ü_1$x$ü_1$ c", "$ü_1$x$ü_1$ c"},
      {"a$$b$$", "a$$b$$"},  // an identifier
      {"$1$$x$$", "$1 $$x$$"},
      {"$a$ x", "<broken>"},
      {"$$", "<broken>"},
      {"$ a", "<broken> a"},
      {"$a b", "<broken> a b"},
  });
  CHECK(string_value(first("$x$a'\\b$x$")) == "a'\\b");
}

TEST_CASE("quoted identifiers hold anything") {
  check_tokens({
      {"\"a;b\" c", "\"a;b\" c"},
      {"\"a\"\"b\" c", "\"a\"\"b\" c"},
      {"U&\"d\\0061t\" c", "U&\"d\\0061t\" c"},
      {"\"a", "<broken>"},
      {"\"a\"\"", "<broken>"},
  });
  CHECK(first("\"A\"").kind == TokenKind::quoted_name);
  CHECK(first("U&\"A\"").kind == TokenKind::unicode_name);
  CHECK_FALSE(first("\"select\"").is("select"));
  CHECK(first("SeLeCt").is("select"));
}

TEST_CASE("identifiers are folded unless quoted, and cut to 63 bytes between characters") {
  CHECK(identifier(first("AbC_Ü")) == "abc_Ü");
  CHECK(identifier(first("\"AbC\"\"d\"")) == "AbC\"d");
  const std::string long_name(70, 'x');
  CHECK(identifier(first(long_name)) == std::string(63, 'x'));
  CHECK(identifier(first('"' + long_name + '"')) == std::string(63, 'x'));
  CHECK(identifier(first(std::string(62, 'x') + "ü")) == std::string(62, 'x'));
  CHECK(identifier(first(std::string(61, 'x') + "üy")) == std::string(61, 'x') + "ü");
}

TEST_CASE("a string has a value where backslashes and encodings don't matter") {
  CHECK(string_value(first("'a''b'")) == "a'b");
  CHECK(string_value(first("N'a'")) == "a");
  CHECK(string_value(first("E'a'")) == "a");
  CHECK(string_value(first("''")) == "");
  CHECK_FALSE(string_value(first("E'a\\n'")));
  CHECK_FALSE(string_value(first("'a\\n'")));
  CHECK_FALSE(string_value(first("U&'a'")));
  CHECK_FALSE(string_value(first("a")));
  CHECK_FALSE(string_value(first("$1")));
}

TEST_CASE("a string whose end depends on a setting or an encoding is doubtful, and so is what is broken") {
  for (const std::string_view text :
       {"'C:\\'", "'a\\'' ; b '", "'a\\\\\\'", "E'\x95\x5c'", "'a'\n'\\'", "'a", "/*", "{"}) {
    CAPTURE(text);
    CHECK(is_doubtful(text));
  }
  for (const std::string_view text :
       {"'\\x00ff'", "'a\\\\'", "'\\d+'", "E'a\\'b'", "E'ü\\n'", "$$\\$$", "\"\\\""}) {
    CAPTURE(text);
    CHECK_FALSE(is_doubtful(text));
  }
}

}  // namespace ballast
