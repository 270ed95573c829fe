#include "protocol/message.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::string_literals;

TEST_CASE("a header gives type, length and the sizes that follow from it") {
  const std::string bytes = "Q\x00\x01\x02\x03"s;
  const Header header = read_header(bytes.data());
  CHECK(header.type == 'Q');
  CHECK(header.length == 0x010203);
  CHECK(header.total() == 0x010204);
  CHECK(header.body_size() == 0x010203 - 4);
}

TEST_CASE("bytes above 127 are read as they are") {
  const std::string bytes = "\xff\xff\xfe\xfd\xfc"s;
  const Header header = read_header(bytes.data());
  CHECK(header.type == '\xff');
  CHECK(header.length == 0xfffefdfcU);
  CHECK(header.total() == std::size_t{0xfffefdfcU} + 1);
}

TEST_CASE("a length is valid from 4 to PostgreSQL's limit [5.8-129]") {
  CHECK_FALSE(valid({'Q', 0}));
  CHECK_FALSE(valid({'Q', 3}));
  CHECK(valid({'Q', 4}));
  CHECK(valid({'Q', 0x3ffffffe}));
  CHECK_FALSE(valid({'Q', 0x3fffffff}));
  CHECK_FALSE(valid({'Q', 0x80000000U}));
  CHECK_FALSE(valid({'Q', 0xffffffffU}));
}

}  // namespace ballast
