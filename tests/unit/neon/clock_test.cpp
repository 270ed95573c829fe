#include "tests/neon/rules/clock.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

using namespace std::chrono_literals;
const RealTime start{};

TEST_CASE("a new clock shows real time, from zero") {
  const Clock clock(start);
  CHECK(clock.at(start) == Seconds(0));
  CHECK(clock.at(start + 2s) == Seconds(2));
}

TEST_CASE("a clock runs faster from the moment on that it was told to") {
  Clock clock(start);
  clock.set_scale(start + 10s, 60);
  CHECK(clock.at(start + 10s) == Seconds(10));
  CHECK(clock.at(start + 11s) == Seconds(70));
  CHECK(clock.real_until(start + 11s, Seconds(130)) == Milliseconds(1000));
}

TEST_CASE("a jump moves what comes, and leaves what was") {
  Clock clock(start);
  clock.advance(start + 10s, Seconds(3600));
  CHECK(clock.at(start + 4s) == Seconds(4));
  CHECK(clock.at(start + 10s) == Seconds(3610));
  CHECK(clock.real_until(start + 10s, Seconds(3000)) == Milliseconds(0));
}

TEST_CASE("jumps and paces add up") {
  Clock clock(start);
  clock.set_scale(start + 1s, 10);
  clock.advance(start + 2s, Seconds(100));
  CHECK(clock.at(start + 2s) == Seconds(111));
  CHECK(clock.at(start + 3s) == Seconds(121));
  CHECK(clock.scale() == 10);
}

}  // namespace
}  // namespace ballast::neon
