#include "proxy/base/histogram.hpp"

#include <chrono>
#include <cmath>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

Durations of(const Histogram& histogram) {
  Durations durations;
  histogram.add_to(durations);
  return durations;
}

}  // namespace

TEST_CASE("each time is found again to within 3 %") {
  for (double us = 1; us < 4e9; us *= 1.07) {
    const std::chrono::microseconds time(static_cast<std::int64_t>(us));
    CAPTURE(time.count());
    Durations durations;
    durations.add(time);
    const auto found = static_cast<double>(durations.percentile(0.5).count());
    CHECK(std::abs(found - static_cast<double>(time.count())) <= 0.0323 * static_cast<double>(time.count()));
  }
}

TEST_CASE("percentiles of a hundred times") {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.record(std::chrono::microseconds(i % 16));
  histogram.record(8h);
  const Durations durations = of(histogram);
  CHECK(durations.count() == 101);
  CHECK(durations.percentile(0) == 0us);
  CHECK(durations.percentile(0.5) == 7us);
  CHECK(durations.percentile(0.99) == 15us);
  CHECK(durations.percentile(1) > 70min);  // the longest that there is
}

TEST_CASE("nothing has no percentile") { CHECK(Durations{}.percentile(0.95) == 0us); }

TEST_CASE("a time that runs backwards counts as none") {
  Durations durations;
  durations.add(-5ms);
  CHECK(durations.count() == 1);
  CHECK(durations.percentile(1) == 0us);
}

TEST_CASE("sums, and what has come since") {
  Durations before;
  before.add(1ms, 3);
  Durations after = before;
  after.add(4ms);
  CHECK(after.sum() == 7ms);
  after -= before;
  CHECK(after.count() == 1);
  CHECK(after.sum() == 4ms);
  before += after;
  CHECK(before.count() == 4);
}

TEST_CASE("since what has begun anew nothing has come, rather than less") {
  Durations before;
  before.add(1ms, 3);
  before.add(4ms);
  Durations anew;
  anew.add(1ms);
  anew.add(8ms);
  anew -= before;
  CHECK(anew.count() == 1);
  CHECK(anew.sum() < 8ms);
}

TEST_CASE("how many were shorter than a power of two is exact") {
  Durations durations;
  for (const auto time : {0us, 15us, 16us, 255us, 256us, 257us, 1'048'575us, 1'048'576us})
    durations.add(time);
  CHECK(durations.shorter_than_power(4) == 2);
  CHECK(durations.shorter_than_power(8) == 4);
  CHECK(durations.shorter_than_power(9) == 6);
  CHECK(durations.shorter_than_power(20) == 7);
  CHECK(durations.shorter_than_power(31) == 8);
}

}  // namespace ballast
