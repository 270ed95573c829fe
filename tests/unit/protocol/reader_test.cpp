#include "protocol/reader.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::string_literals;

TEST_CASE("a reader reads what is there, in network byte order") {
  const std::string body = "x\x01\x02\xff\xff\xff\xfename\0\0rest\x80\0!"s;
  Reader reader(body);
  CHECK(reader.byte() == 'x');
  CHECK(reader.int16() == 0x0102);
  CHECK(reader.int32() == -2);
  CHECK(reader.cstring() == "name");
  CHECK(reader.cstring().empty());
  CHECK(reader.ok());
  CHECK(reader.bytes(4) == "rest");
  CHECK(reader.int16() == -32768);
  CHECK_FALSE(reader.finished());
  CHECK(reader.rest() == "!");
  CHECK(reader.byte() == '!');
  CHECK(reader.finished());
}

TEST_CASE("a body cut at any byte fails, and never reads past its end") {
  const std::string body = "B\x01\x02text\0\0\0\0\x07tail"s;
  for (std::size_t size = 0; size <= body.size(); ++size) {
    CAPTURE(size);
    const std::string cut = body.substr(0, size);
    Reader reader(cut);
    reader.byte();
    reader.int16();
    reader.cstring();
    reader.int32();
    reader.bytes(4);
    CHECK(reader.ok() == (size == body.size()));
    CHECK(reader.finished() == (size == body.size()));
  }
}

TEST_CASE("after a failed read everything is zero or empty") {
  Reader reader("abc");
  CHECK(reader.int32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.byte() == '\0');
  CHECK(reader.int16() == 0);
  CHECK(reader.cstring().empty());
  CHECK(reader.bytes(0).empty());
  CHECK(reader.rest().empty());
  CHECK_FALSE(reader.finished());
}

TEST_CASE("a string without its end and a count that is too great fail") {
  Reader text("no end");
  CHECK(text.cstring().empty());
  CHECK_FALSE(text.ok());
  Reader bytes("abc");
  CHECK(bytes.bytes(static_cast<std::size_t>(-1)).empty());
  CHECK_FALSE(bytes.ok());
}

TEST_CASE("an empty body is finished") {
  const Reader reader("");
  CHECK(reader.ok());
  CHECK(reader.finished());
}

}  // namespace ballast
