#include "proxy/app/chronicle.hpp"

#include <chrono>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

struct Scene {
  Scene() { pool().key = {"app", "ann"}; }
  PoolFigures& pool() {
    if (census.pools.empty()) census.pools.emplace_back();
    return census.pools.front();
  }
  void pass() {
    now += Chronicle::interval;
    wall += Chronicle::interval;
    chronicle.note(now, wall, census);
  }
  // A pool that answers `queries` in each interval, each in `time`.
  void pass_with(std::uint64_t queries, Durations::Duration time) {
    pool().totals.queries += queries;
    pool().request_time.add(time, queries);
    pass();
  }

  Counters counters;
  Census census;
  Chronicle chronicle;
  TimePoint now{1h};
  std::chrono::system_clock::time_point wall{1000s};
};

}  // namespace

TEST_CASE("rates and percentiles are of the time since the point before") {
  Scene scene;
  scene.pass_with(1000, 1s);
  scene.pass_with(50, 2ms);
  scene.pass_with(0, 0s);
  const auto& points = scene.chronicle.points();
  REQUIRE(points.size() == 3);
  CHECK(points[0].queries_per_s == 0);  // since when is not known
  CHECK(points[1].queries_per_s == 10);
  CHECK(points[1].p99 > 1900us);
  CHECK(points[1].p99 < 2100us);
  CHECK(points[2].queries_per_s == 0);
  CHECK(points[2].p99 == 0us);
  CHECK(points[2].at_s == points[1].at_s + 5);
}

TEST_CASE("pools are added up, and what is shed is counted over workers") {
  Scene scene;
  scene.census.counters = {&scene.counters};
  scene.pool().servers_active = 2;
  scene.pool().servers_idle = 3;
  scene.pool().clients_waiting = 4;
  scene.census.pools.push_back(scene.pool());
  scene.census.pools.back().key.user = "bob";
  scene.pass();
  scene.counters.shed_max_queue.add(10);
  scene.pass();
  const Chronicle::Point point = scene.chronicle.points().back();
  CHECK(point.clients_active == 4);
  CHECK(point.clients_waiting == 8);
  CHECK(point.servers == 10);
  CHECK(point.shed_per_s == 2);
}

TEST_CASE("it remembers a quarter of an hour") {
  Scene scene;
  for (int i = 0; i < 1000; ++i) scene.pass();
  CHECK(scene.chronicle.points().size() == 180);
}

TEST_CASE("the recent times of a pool are those of about a minute") {
  Scene scene;
  for (int i = 0; i < 24; ++i) scene.pass_with(5, i < 10 ? 1s : 1ms);
  const RecentTimes recent = scene.chronicle.recent(scene.pool());
  CHECK(recent.request.count() >= 60);
  CHECK(recent.request.count() <= 75);
  CHECK(recent.request.percentile(0.99) < 2ms);
}

TEST_CASE("a pool that was gone begins anew, and one that nobody has noted yet is taken whole") {
  Scene scene;
  scene.pass_with(100, 1s);
  scene.census.pools.clear();
  scene.pass();
  scene.pool().key = {"app", "ann"};
  scene.pass_with(10, 1ms);
  CHECK(scene.chronicle.points().back().queries_per_s == 2);
  CHECK(scene.chronicle.recent(scene.pool()).request.count() == 10);
  PoolFigures other;
  other.key = {"app", "bob"};
  other.wait_time.add(1ms);
  CHECK(scene.chronicle.recent(other).wait.count() == 1);
}

}  // namespace ballast
