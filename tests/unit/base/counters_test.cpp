#include "proxy/base/counters.hpp"

#include <thread>

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("a counter counts by one and by many, from zero") {
  Counter counter;
  CHECK(counter.value() == 0);
  ++counter;
  ++counter;
  counter.add(40);
  CHECK(counter.value() == 42);
}

TEST_CASE("a counter holds more than 32 bits") {
  Counter counter;
  counter.add(std::uint64_t{1} << 40);
  ++counter;
  CHECK(counter.value() == (std::uint64_t{1} << 40) + 1);
}

TEST_CASE("another thread sees what was counted") {
  Counters counters;
  std::thread writer([&counters] {
    for (int i = 0; i < 1000; ++i) ++counters.audits;
  });
  std::uint64_t last = 0;
  bool never_falls = true;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t seen = counters.audits.value();
    never_falls = never_falls && seen >= last;
    last = seen;
  }
  writer.join();
  CHECK(never_falls);
  CHECK(counters.audits.value() == 1000);
}

}  // namespace ballast
