#include "proxy/base/printable.hpp"

#include <string>

#include <doctest/doctest.h>

using ballast::json_string;
using ballast::printable;
using namespace std::string_literals;

TEST_CASE("plain text and UTF-8 are printed as they are") {
  for (const std::string text : {"", "app_user", "a b\"c'", "zażółć 東京 \U0001F418", "\xc2\xa0"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("what could begin a line, move a cursor or break the encoding is escaped") {
  CHECK(printable("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(printable("\x1b[2J\x7f\0"s) == "\\x1b[2J\\x7f\\x00");
  CHECK(printable("a\\nb") == "a\\\\nb");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");           // CSI as one C1 character
  CHECK(printable("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");  // U+2028
}

TEST_CASE("bytes that are not UTF-8 are escaped one by one") {
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("\xc0\x8a") == "\\xc0\\x8a");           // an overlong newline
  CHECK(printable("\xe0\x80\x8a") == "\\xe0\\x80\\x8a");  // likewise
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\x80z") == "\\x80z");
}

TEST_CASE("a character cut at any byte is escaped") {
  const std::string elephant = "\xf0\x9f\x90\x98";
  CHECK(printable(elephant) == elephant);
  for (std::size_t cut = 1; cut < elephant.size(); ++cut) {
    CHECK(printable(elephant.substr(0, cut)).size() == 4 * cut);
    CHECK(printable(elephant.substr(0, cut) + "a").ends_with("a"));
  }
}

TEST_CASE("a JSON string keeps the text and escapes what JSON must") {
  CHECK(json_string("") == "\"\"");
  CHECK(json_string("a\"b\\c") == R"("a\"b\\c")");
  CHECK(json_string("\n\r\t\x01\x7f\0"s) == R"("\n\r\t\u0001\u007f\u0000")");
  CHECK(json_string("\xe2\x80\xa8 東") == "\"\\u2028 東\"");
  CHECK(json_string("a\xff\xfe") == R"("a\ufffd\ufffd")");
}
