#include "proxy/base/json_writer.hpp"

#include <cstdint>

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("commas are where JSON wants them") {
  JsonWriter json;
  json.begin_object().field("a", 1).key("b").begin_array().value(true).null().begin_object().end_object();
  json.end_array().key("c").begin_array().end_array().field("d", "x").end_object();
  CHECK(json.take() == R"({"a": 1, "b": [true, null, {}], "c": [], "d": "x"})");
}

TEST_CASE("texts and names are quoted") {
  JsonWriter json;
  json.begin_object().field("a\"b", std::string("line\nend")).end_object();
  CHECK(json.take() == R"({"a\"b": "line\nend"})");
}

TEST_CASE("numbers are whole where they are, and short") {
  JsonWriter json;
  json.begin_array().value(std::uint64_t{18446744073709551615u}).value(-1).value(0.1).value(2.0).end_array();
  CHECK(json.take() == "[18446744073709551615, -1, 0.1, 2]");
}

}  // namespace ballast
