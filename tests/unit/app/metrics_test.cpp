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

TEST_CASE("logins of clients are timed as a whole") {
  Census census;
  census.connects.client_login.add(3ms);
  const std::string text = exposition(census);
  CHECK(text.find("# TYPE ballast_client_login_seconds histogram") != std::string::npos);
  CHECK(has_line(text, R"(ballast_client_login_seconds_bucket{le="0.004096"} 1)"));
  CHECK(has_line(text, "ballast_client_login_seconds_count 1"));
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
  census.upstream.state = Upstream::State::asleep;
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_upstream_state{state="asleep"} 1)"));
  CHECK(has_line(text, R"(ballast_upstream_state{state="awake"} 0)"));
}

TEST_CASE("certificates are told with their end, those that there are") {
  Census census;
  CHECK(exposition(census).find("ballast_certificate_expiry") == std::string::npos);
  census.upstream.certificate_expires_s = 1900000000;
  census.own_certificate_expires_s = 1800000000;
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_certificate_expiry_timestamp_seconds{certificate="server"} 1900000000)"));
  CHECK(has_line(text, R"(ballast_certificate_expiry_timestamp_seconds{certificate="own"} 1800000000)"));
}

TEST_CASE("errors are told by class and source, over all workers") {
  ErrorCounters one;
  ErrorCounters other;
  one.note(ErrorCounters::Source::server, "22012");
  other.note(ErrorCounters::Source::server, "22003");
  other.note(ErrorCounters::Source::ballast, "53300");
  Census census;
  census.errors = {&one, &other};
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_errors_total{sqlstate_class="22",source="server"} 2)"));
  CHECK(has_line(text, R"(ballast_errors_total{sqlstate_class="53",source="ballast"} 1)"));
  CHECK(has_line(text, R"(ballast_errors_total{sqlstate_class="XX",source="server"} 0)"));
}

TEST_CASE("what keepalive has spent stands beside what it may") {
  Census census;
  census.keepalive.spending.awake = 2h;
  census.keepalive.spending.cu_microseconds = KeepaliveSpending::cu_hour / 2;
  census.keepalive.budget_cu_microseconds = 50 * KeepaliveSpending::cu_hour;
  const std::string text = exposition(census);
  CHECK(has_line(text, "ballast_keepalive_awake_seconds 7200"));
  CHECK(has_line(text, "ballast_keepalive_spent_cu_seconds 1800"));
  CHECK(has_line(text, "ballast_keepalive_budget_cu_seconds 180000"));
}

TEST_CASE("each worker's loop is told by itself") {
  Census census;
  census.workers.resize(2);
  census.workers[1].loop_lag.add(3ms);
  census.workers[1].spare_buffer_bytes = 4096;
  const std::string text = exposition(census);
  CHECK(has_line(text, R"(ballast_loop_lag_seconds_count{worker="0"} 0)"));
  CHECK(has_line(text, R"(ballast_loop_lag_seconds_count{worker="1"} 1)"));
  CHECK(has_line(text, R"(ballast_spare_buffer_bytes{worker="1"} 4096)"));
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
