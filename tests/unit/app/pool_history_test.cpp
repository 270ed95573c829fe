#include "proxy/app/pool_history.hpp"

#include <chrono>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::chrono_literals;

TEST_CASE("the past is the start at first, then a minute back or a little more") {
  const TimePoint begin(1000s);
  PoolHistory history(begin);
  CHECK(history.past()->at == begin);
  ConsoleFigures figures;
  for (int i = 1; i <= 10; ++i) {
    figures.now = begin + i * PoolHistory::step;
    figures.departed["app"].totals.queries = static_cast<std::uint64_t>(i);
    history.note(figures);
    const auto back = figures.now - history.past()->at;
    CHECK(back >= std::min<Duration>(PoolHistory::window, i * PoolHistory::step));
    CHECK(back < PoolHistory::window + PoolHistory::step);
  }
  CHECK(history.past()->databases.at("app").totals.queries == 8);
}

}  // namespace ballast
