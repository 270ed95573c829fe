#include "proxy/base/latency_window.hpp"

#include <chrono>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

// One time a second, `at` the second that it is.
struct Run {
  void seconds(int count, Durations::Duration each) {
    for (int i = 0; i < count; ++i) {
      now += 1s;
      totals.add(each);
      window.note(now, totals);
    }
  }
  LatencyWindow::TimePoint now{1h};
  Durations totals;
  LatencyWindow window;
};

}  // namespace

TEST_CASE("in the first minute the window holds everything") {
  Run run;
  CHECK(run.window.recent(run.totals).count() == 0);
  run.seconds(50, 1ms);
  CHECK(run.window.recent(run.totals).count() == 50);
}

TEST_CASE("what is older than a minute leaves the window, at the latest after a step more") {
  Run run;
  run.seconds(300, 1ms);
  const auto there = static_cast<int>(run.window.recent(run.totals).count());
  CHECK(there >= LatencyWindow::length.count());
  CHECK(there <= (LatencyWindow::length + LatencyWindow::step).count());
}

TEST_CASE("percentiles forget a bad time") {
  Run run;
  run.seconds(60, 1s);
  CHECK(run.window.recent(run.totals).percentile(0.5) > 900ms);
  run.seconds(80, 1ms);
  CHECK(run.window.recent(run.totals).percentile(0.99) < 2ms);
}

TEST_CASE("a pool that has been made anew begins with an empty window") {
  Run run;
  run.seconds(30, 1s);
  run.totals = {};
  run.seconds(1, 1ms);
  CHECK(run.window.recent(run.totals).count() == 1);
}

TEST_CASE("totals that are asked about before their note() has been told are taken as they are") {
  Run run;
  run.seconds(120, 1s);
  Durations anew;
  anew.add(1ms);
  CHECK(run.window.recent(anew).count() == 1);
}

TEST_CASE("it holds no more marks than the window has steps, however often it is told") {
  LatencyWindow window;
  Durations totals;
  LatencyWindow::TimePoint now{1h};
  for (int i = 0; i < 1000; ++i) window.note(now += 1ms, totals);
  totals.add(1ms);
  CHECK(window.recent(totals).count() == 1);
}

}  // namespace ballast
