#include "protocol/writer.hpp"

#include <string>

#include <doctest/doctest.h>

#include "protocol/reader.hpp"

namespace ballast {

using namespace std::string_literals;

TEST_CASE("a written message has its length behind the type byte") {
  std::string out;
  MessageWriter(out, FrontendType::query).cstring("SELECT 1");
  CHECK(out == "Q\0\0\0\x0dSELECT 1\0"s);
}

TEST_CASE("a message without a body counts its length word alone") {
  std::string out;
  MessageWriter(out, FrontendType::sync);
  CHECK(out == "S\0\0\0\x04"s);
}

TEST_CASE("an untyped packet begins with its length") {
  std::string out;
  MessageWriter(out).int32(196608).byte('\0');
  CHECK(out == "\0\0\0\x09\0\x03\0\0\0"s);
}

TEST_CASE("a message is appended to what is there, each with its own length") {
  std::string out = "before";
  MessageWriter(out, BackendType::parse_complete);
  MessageWriter(out, 'Z').byte('I');
  CHECK(out == "before1\0\0\0\x04Z\0\0\0\x05I"s);
}

TEST_CASE("integers are in network byte order and read back the same") {
  for (const std::int32_t value : {0, 1, -1, 255, 256, 65535, -32768, 0x01020304, INT32_MAX, INT32_MIN}) {
    CAPTURE(value);
    std::string out;
    MessageWriter(out, 'x').int32(value).int16(static_cast<std::int16_t>(value));
    Reader reader(std::string_view(out).substr(5));
    CHECK(reader.int32() == value);
    CHECK(reader.int16() == static_cast<std::int16_t>(value));
    CHECK(reader.finished());
  }
}

TEST_CASE("a long body patches all four bytes of its length") {
  std::string out;
  MessageWriter(out, 'd').bytes(std::string(0x12345, 'x'));
  CHECK(out.substr(0, 5) == "d\x00\x01\x23\x49"s);
  CHECK(out.size() == 0x12345 + 5);
}

}  // namespace ballast
