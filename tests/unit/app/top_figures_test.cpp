#include "proxy/app/top_figures.hpp"

#include <doctest/doctest.h>

using namespace ballast;

namespace {

std::string pool_text(const std::string& database, int transactions, int waiting) {
  const std::string pool = "{database=\"" + database + "\",user=\"u\"";
  return "ballast_pool_size" + pool + "} 20\nballast_clients" + pool +
         ",state=\"active\"} 3\nballast_clients" + pool + ",state=\"waiting\"} " + std::to_string(waiting) +
         "\nballast_clients" + pool + ",state=\"idle\"} 4\n" + "ballast_servers" + pool +
         ",state=\"active\"} 3\nballast_servers" + pool + ",state=\"settling\"} 1\n" +
         "ballast_transaction_seconds_count" + pool + "} " + std::to_string(transactions) + "\n" +
         "ballast_request_seconds_bucket" + pool + ",le=\"0.001\"} " + std::to_string(transactions) + "\n" +
         "ballast_request_seconds_bucket" + pool + ",le=\"+Inf\"} " + std::to_string(transactions) + "\n";
}

std::vector<Sample> look(const std::string& text) { return parse_exposition(text); }

}  // namespace

TEST_CASE("rates and percentiles are of what came between two looks") {
  const TopFigures figures = top_figures(look(pool_text("a", 100, 0)), look(pool_text("a", 150, 2)), 2, 0);
  REQUIRE(figures.pools.size() == 1);
  const TopPool& pool = figures.pools[0];
  CHECK(pool.database == "a");
  CHECK(pool.clients == 9);
  CHECK(pool.clients_waiting == 2);
  CHECK(pool.servers_active == 3);
  CHECK(pool.servers_settling == 1);
  CHECK(pool.servers_idle == 0);
  CHECK(pool.size == 20);
  CHECK(pool.transactions_per_s == 25);
  CHECK(pool.request[0] == doctest::Approx(0.0005));
  CHECK(pool.wait[0] < 0);
  CHECK(figures.transactions_per_s == 25);
}

TEST_CASE("without anything between the looks there are no percentiles") {
  const auto same = look(pool_text("a", 100, 0));
  const TopFigures figures = top_figures(same, same, 1, 0);
  CHECK(figures.pools[0].transactions_per_s == 0);
  CHECK(figures.pools[0].request[2] < 0);
}

TEST_CASE("a process that has begun anew counts from nought") {
  const TopFigures figures = top_figures(look(pool_text("a", 1000, 0)), look(pool_text("a", 10, 0)), 1, 0);
  CHECK(figures.pools[0].transactions_per_s == 10);
  CHECK(figures.pools[0].request[0] == doctest::Approx(0.0005));
}

TEST_CASE("the busiest pool comes first") {
  const std::string before = pool_text("a", 0, 0) + pool_text("b", 0, 0) + pool_text("c", 0, 0);
  const std::string after = pool_text("a", 1, 0) + pool_text("b", 9, 0) + pool_text("c", 1, 7);
  const TopFigures figures = top_figures(look(before), look(after), 1, 0);
  CHECK(figures.pools[0].database == "b");
  CHECK(figures.pools[1].database == "c");
  CHECK(figures.pools[2].database == "a");
}

TEST_CASE("the process is told of, and what isn't told isn't taken for nought") {
  const auto after = look(
      "ballast_build_info{version=\"1.2\"} 1\nballast_upstream_state{state=\"awake\"} 0\n"
      "ballast_upstream_state{state=\"asleep\"} 1\nprocess_start_time_seconds "
      "1000\nballast_client_connections 3\n"
      "ballast_max_client_conn 99\nballast_shed_total{reason=\"down\"} "
      "2\nballast_shed_total{reason=\"max_queue\"} 1\n"
      "ballast_limit_hits_total{setting=\"default_pool_size\"} "
      "900\nballast_limit_hits_total{setting=\"max_client_conn\"} 4\n"
      "ballast_timeouts_total{setting=\"query_timeout\"} "
      "5\nballast_timeouts_total{setting=\"server_idle_timeout\"} 70\n");
  const TopFigures figures = top_figures({}, after, 1, 1060);
  CHECK(figures.version == "1.2");
  CHECK(figures.upstream == "asleep");
  CHECK(figures.uptime_s == 60);
  CHECK(figures.clients == 3);
  CHECK(figures.max_clients == 99);
  CHECK(figures.shed == 3);
  CHECK(figures.timeouts == 5);
  CHECK(figures.limit_hits == 4);
  CHECK(figures.keepalive_spent_cu_hours < 0);
  CHECK(top_figures({}, look("ballast_keepalive_spent_cu_hours 0\n"), 1, 0).keepalive_spent_cu_hours == 0);
}
