#include "protocol/saslprep.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::string_literals;

TEST_CASE("ASCII is used as it is, control characters included") {
  CHECK(saslprep("").empty());
  CHECK(saslprep("pencil") == "pencil");
  CHECK(saslprep("a\tb\x7f\0c"s) == "a\tb\x7f\0c"s);
}

TEST_CASE("letters in their normal form are used as they are") {
  CHECK(saslprep("pässwörd") == "pässwörd");
  CHECK(saslprep("пароль 密码 🔑") == "пароль 密码 🔑");
}

TEST_CASE("spaces become a space, and invisible characters nothing") {
  CHECK(saslprep("a\u00a0b\u3000c\u200bd") == "a b c d");
  CHECK(saslprep("I\u00adX\ufe0f") == "IX");  // RFC 4013, section 3, example 1
}

TEST_CASE("what SASLprep prohibits is used byte by byte") {
  for (const std::string& raw : {"\u00a0\u0085"s, "\u00a0\x07"s, "\u00a0\ue000"s, "\u00a0\ufffd"s,
                                 "\u00a0\U0001fffe"s, "\u00ad"s, "\u00a0\u2028"s})
    CHECK(saslprep(raw) == raw);
}

TEST_CASE("what is not UTF-8 is used byte by byte") {
  const std::string space = "\u00a0";
  for (const std::string& bad :
       {"\xff"s, "\x80"s, "\xc3"s, "\xc0\xaf"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf0\x80\x80\x80"s,
        "\xf4\x90\x80\x80"s, "\xe4\xbd"s, "\xc3("s, "\xf0\x9f\x94"s})
    CHECK(saslprep(space + bad) == space + bad);
}

}  // namespace ballast
