#include "proxy/app/metrics.hpp"

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "proxy/app/counter_table.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

bool has_line(const std::string& text, const std::string& line) {
  return text.starts_with(line + "\n") || text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("each counter has a name of its own, and each family one help text") {
  std::set<std::pair<std::string, std::string>> names;
  std::set<std::string> families;
  std::string last;
  for (const CounterEntry& entry : counter_table()) {
    CAPTURE(entry.family);
    CHECK(names.emplace(entry.family, entry.value).second);
    CHECK(entry.label.empty() == entry.value.empty());
    const bool is_first = entry.family != last;
    CHECK(entry.help.empty() != is_first);
    if (is_first) CHECK(families.insert(std::string(entry.family)).second);  // its entries are neighbours
    last = entry.family;
  }
}

TEST_CASE("a pool's figures come with its database and user") {
  Census census;
  PoolFigures pool;
  pool.key = {"app", "an\"n"};
  pool.clients = 7;
  pool.clients_waiting = 2;
  pool.servers_active = 3;
  pool.servers_idle = 1;
  pool.servers_connecting = 4;
  pool.size = 20;
  pool.oldest_wait = 1500ms;
  census.pools = {pool};
  const std::string text = exposition(census);
  const std::string labels = R"({database="app",user="an\"n")";
  CHECK(has_line(text, "ballast_clients" + labels + ",state=\"active\"} 3"));
  CHECK(has_line(text, "ballast_clients" + labels + ",state=\"waiting\"} 2"));
  CHECK(has_line(text, "ballast_clients" + labels + ",state=\"idle\"} 2"));
  CHECK(has_line(text, "ballast_servers" + labels + ",state=\"connecting\"} 4"));
  CHECK(has_line(text, "ballast_pool_size" + labels + "} 20"));
  CHECK(has_line(text, "ballast_oldest_wait_seconds" + labels + "} 1.5"));
}

TEST_CASE("times are histograms in seconds whose buckets add up") {
  Census census;
  PoolFigures pool;
  pool.key = {"app", "ann"};
  pool.request_time.add(100us, 3);
  pool.request_time.add(3ms);
  pool.request_time.add(2min);
  census.pools = {pool};
  const std::string text = exposition(census);
  const std::string name = R"(ballast_request_seconds_bucket{database="app",user="ann",le=")";
  CHECK(text.find("# TYPE ballast_request_seconds histogram") != std::string::npos);
  CHECK(has_line(text, name + "0.000256\"} 3"));
  CHECK(has_line(text, name + "0.002048\"} 3"));
  CHECK(has_line(text, name + "0.004096\"} 4"));
  CHECK(has_line(text, name + "+Inf\"} 5"));
  CHECK(has_line(text, R"(ballast_request_seconds_count{database="app",user="ann"} 5)"));
}

TEST_CASE("counters are summed over the workers") {
  Counters one;
  Counters other;
  ++one.query_wait_timeouts;
  other.query_wait_timeouts.add(2);
  ++other.shed_max_queue;
  Census census;
  census.counters = {&one, &other};
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_timeouts_total{setting="query_wait_timeout"} 3)"));
  CHECK(has_line(text, R"(ballast_timeouts_total{setting="query_timeout"} 0)"));
  CHECK(has_line(text, R"(ballast_shed_total{reason="max_queue"} 1)"));
}

TEST_CASE("the state of the database is one of those that there are") {
  Census census;
  census.upstream = Upstream::State::asleep;
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_upstream_state{state="asleep"} 1)"));
  CHECK(has_line(text, R"(ballast_upstream_state{state="awake"} 0)"));
}

TEST_CASE("the process itself is told under the names that all use") {
  const std::string text = exposition({});
  for (const std::string name : {"process_resident_memory_bytes", "process_open_fds",
                                 "process_cpu_seconds_total", "process_start_time_seconds"}) {
    CAPTURE(name);
    const std::size_t at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(text.substr(at + name.size() + 2)) > 0);
  }
}

TEST_CASE("figures of one pool on several workers are added up") {
  PoolFigures sum;
  sum.clients = 1;
  sum.oldest_wait = 1s;
  PoolFigures other;
  other.clients = 2;
  other.servers_idle = 3;
  other.oldest_wait = 3s;
  other.wait_time.add(1ms);
  sum += other;
  CHECK(sum.clients == 3);
  CHECK(sum.servers_idle == 3);
  CHECK(sum.oldest_wait == 3s);
  CHECK(sum.wait_time.count() == 1);
}

}  // namespace ballast
