#include "proxy/io/random.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

namespace ballast::test {

TEST_CASE("random bytes fill all of the span, however long, and differ from call to call") {
  SystemRandom random;
  for (const std::size_t size : {0U, 1U, 32U, 100'000U}) {
    std::string one(size, '\0');
    std::string two(size, '\0');
    random.fill(one);
    random.fill(two);
    if (size >= 32) {
      CHECK(one != two);
      CHECK(std::count(one.end() - 32, one.end(), '\0') < 16);
    }
  }
}

}  // namespace ballast::test
