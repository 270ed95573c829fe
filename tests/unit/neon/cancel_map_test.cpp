#include "tests/neon/rules/cancel_map.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

TEST_CASE("a key leads to the compute's own one until it is removed") {
  CancelMap map;
  const CancelKey given{1, "abcd"};
  map.add(given, {77, "real"});
  REQUIRE(map.find(given));
  CHECK(map.find(given)->process_id == 77);
  CHECK(map.find(given)->secret == "real");
  map.remove(given);
  CHECK_FALSE(map.find(given));
  CHECK(map.size() == 0);
}

TEST_CASE("a key with the right process and another secret leads nowhere") {
  CancelMap map;
  map.add({1, "abcd"}, {77, "real"});
  CHECK_FALSE(map.find({1, "abce"}));
}

}  // namespace
}  // namespace ballast::neon
