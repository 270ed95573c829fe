#include "proxy/app/query_string.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("a parameter is found by its whole name") {
  CHECK(query_parameter("database=app&x=1", "x") == "1");
  CHECK(query_parameter("database=app&x=1", "database") == "app");
  CHECK(query_parameter("database=app&x=1", "data").empty());
  CHECK(query_parameter("awake=1", "wake").empty());
  CHECK(query_parameter("wake", "wake").empty());
  CHECK(query_parameter("", "x").empty());
}

TEST_CASE("what is written in percent is decoded, and what only looks like it is not") {
  CHECK(query_parameter("x=a%20b%2b+%3D", "x") == "a b++=");
  CHECK(query_parameter("x=100%&y=%zz%4", "x") == "100%");
  CHECK(query_parameter("x=100%&y=%zz%4", "y") == "%zz%4");
}

}  // namespace ballast
