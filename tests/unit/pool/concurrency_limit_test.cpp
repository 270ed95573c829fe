#include "proxy/pool/concurrency_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <queue>
#include <random>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

// A database that does `cores` things at once, each in `time`, with more clients than servers.
struct Model {
  int most = 100;
  double cores = 8;
  Duration time = 10ms;
  std::size_t waiting = 50;
  double tail = 0;  // part of the statements that take a hundred times as long
  ConcurrencyLimit limit;
  TimePoint now{};
  std::mt19937 random{7};

  // The limit as it is but for windows of half as many, over that time.
  int settle(Duration span) {
    int highest = 0;
    for (const TimePoint end = now + span; now < end;) {
      const int in_use = limit.value(most);
      const double crowd = std::max(1.0, in_use / cores);
      const double jitter = std::uniform_real_distribution<double>(0.7, 1.3)(random);
      const bool is_long = std::uniform_real_distribution<double>(0, 1)(random) < tail;
      const auto taken = std::chrono::duration_cast<Duration>(time * crowd * jitter * (is_long ? 100 : 1));
      now += std::chrono::duration_cast<Duration>(time * crowd / in_use);
      limit.sample(now, taken, {in_use, most, waiting});
      if (now + span / 4 >= end) highest = std::max(highest, limit.value(most));
    }
    return highest;
  }
};

TEST_CASE("as many as there are, until it is known that fewer are faster") {
  const ConcurrencyLimit limit;
  CHECK(limit.value(20) == 20);
  CHECK(limit.value(1) == 1);
}

TEST_CASE("a database with room for all keeps them all") {
  Model model;
  model.cores = 1000;
  CHECK(model.settle(60s) == 100);
}

TEST_CASE("a crowded database is given about as many as it does at once") {
  for (const double cores : {2.0, 4.0, 8.0, 20.0, 50.0}) {
    CAPTURE(cores);
    Model model;
    model.cores = cores;
    const int found = model.settle(60s);
    CHECK(found >= static_cast<int>(cores));
    CHECK(found <= static_cast<int>(cores * 2) + 1);
  }
}

TEST_CASE("the limit follows a database that grows and shrinks") {
  Model model;
  model.cores = 4;
  CHECK(model.settle(60s) <= 9);
  model.cores = 32;
  CHECK(model.settle(120s) >= 32);
  model.cores = 4;
  CHECK(model.settle(120s) <= 9);
}

TEST_CASE("statements that become longer are no load") {
  Model model;
  const int before = model.settle(60s);
  model.time = 50ms;
  CHECK(model.settle(120s) >= before * 3 / 4);
  model.time = 1ms;
  const int after = model.settle(120s);
  CHECK(after >= 8);
  CHECK(after <= 17);
}

TEST_CASE("a few long reports among short statements are no load") {
  Model model;
  model.cores = 1000;
  model.tail = 0.02;
  CHECK(model.settle(60s) >= 90);
}

TEST_CASE("a limit that nobody feels is not changed") {
  Model model;
  model.cores = 1;
  model.waiting = 0;
  CHECK(model.settle(30s) == 100);
}

TEST_CASE("one server is always used") {
  Model model;
  model.most = 4;
  model.cores = 0.1;
  CHECK(model.settle(60s) >= 1);
}

}  // namespace
}  // namespace ballast
