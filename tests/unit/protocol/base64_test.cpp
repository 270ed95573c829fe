#include "protocol/base64.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::string_literals;

TEST_CASE("base64 of RFC 4648's examples") {
  const std::string text = "foobar";
  const char* const encoded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t size = 0; size <= text.size(); ++size) {
    CHECK(encode_base64(text.substr(0, size)) == encoded[size]);
    CHECK(decode_base64(encoded[size]) == text.substr(0, size));
  }
}

TEST_CASE("every byte survives base64") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CHECK(decode_base64(encode_base64(all)) == all);
}

TEST_CASE("what is not base64 is refused") {
  for (const std::string& bad : {"Z"s, "Zg"s, "Zg="s, "=Zg="s, "Z==="s, "===="s, "Zm9v "s, "Zm 9"s, "Zm-_"s,
                                 "Zm9\n"s, "Zg==Zg=="s, "Zm9\0"s, "Zm\xc3\xa9"s})
    CHECK_FALSE(decode_base64(bad));
}

}  // namespace ballast
