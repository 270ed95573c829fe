#include "proxy/app/statistics_json.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a pool is told with its clients, servers, totals and the latencies of the last minute") {
  Census census;
  PoolFigures pool;
  pool.key = {"app", "an\"n"};
  pool.clients = 7;
  pool.clients_waiting = 2;
  pool.servers_active = 3;
  pool.servers_pinned = 1;
  pool.totals.queries = 11;
  pool.request_time.add(8ms, 100);
  pool.oldest_wait = 1500ms;
  census.pools = {pool};
  const std::string text = statistics_json(census, {});
  CHECK(has(text, R"("pools": [{"database": "app", "user": "an\"n")"));
  CHECK(has(text, R"("clients": {"active": 3, "idle": 2, "waiting": 2})"));
  CHECK(has(text, R"("servers": {"active": 3, "pinned": 1, "idle": 0, "listening": 0)"));
  CHECK(has(text, R"("oldest_wait_ms": 1500)"));
  CHECK(has(text, R"("queries": 11)"));
  CHECK(has(text, R"("request": {"count": 100, "p50_ms": 8.)"));
}

TEST_CASE("counters stand by family, with their label's values where there is one") {
  Counters counters;
  counters.pins_prepared.add(3);
  counters.replays.add(4);
  Census census;
  census.counters = {&counters, &counters};
  const std::string text = statistics_json(census, {});
  CHECK(has(text, R"("replays": 8)"));
  CHECK(has(text, R"("pins": {"advisory_locks": 0)"));
  CHECK(has(text, R"("prepared": 6)"));
}

TEST_CASE("history has a list for each figure, all of a length") {
  Chronicle chronicle;
  Census census;
  census.upstream.state = Upstream::State::asleep;
  for (int i = 1; i <= 2; ++i)
    chronicle.note(TimePoint(i * 5s), std::chrono::system_clock::time_point(i * 5s), census);
  const std::string text = history_json(chronicle);
  CHECK(
      has(text, R"({"interval_s": 5, "at_s": [5, 10], "upstream": ["asleep", "asleep"], "clients": [0, 0])"));
  CHECK(has(text, R"("p99_ms": [0, 0]})"));
}

}  // namespace ballast
