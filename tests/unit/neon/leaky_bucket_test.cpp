#include "tests/neon/rules/leaky_bucket.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

TEST_CASE("a burst gets through, and then as much as leaks out") {
  LeakyBucket bucket;
  for (int turn = 0; turn < 5; ++turn) CHECK(bucket.take(Seconds(10), 2, 5));
  CHECK_FALSE(bucket.take(Seconds(10), 2, 5));
  CHECK(bucket.take(Seconds(10.5), 2, 5));
  CHECK_FALSE(bucket.take(Seconds(10.5), 2, 5));
  for (int turn = 0; turn < 5; ++turn) CHECK(bucket.take(Seconds(1000), 2, 5));
}

}  // namespace
}  // namespace ballast::neon
