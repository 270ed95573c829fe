#include "tests/neon/rules/meter.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

TEST_CASE("a meter adds up its periods") {
  Meter meter;
  meter.start(Seconds(10));
  meter.start(Seconds(12));
  CHECK(meter.active(Seconds(15)) == Seconds(5));
  meter.stop(Seconds(20));
  meter.stop(Seconds(25));
  CHECK(meter.active(Seconds(30)) == Seconds(10));
  meter.start(Seconds(30));
  CHECK(meter.active(Seconds(31)) == Seconds(11));
}

TEST_CASE("a quarter of a CU for 720 hours is 180 CU-hours") {
  CHECK(cu_hours(Seconds(720 * 3600.0), 0.25) == doctest::Approx(180));
}

}  // namespace
}  // namespace ballast::neon
