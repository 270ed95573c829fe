#include "proxy/app/top_screen.hpp"

#include <sstream>

#include <doctest/doctest.h>

using namespace ballast;

namespace {

TopFigures figures_of(std::size_t pools) {
  TopFigures figures;
  figures.version = "1.2";
  figures.upstream = "awake";
  figures.uptime_s = 3700;
  figures.clients = 12;
  figures.max_clients = 1000;
  figures.transactions_per_s = 1234.56;
  figures.request = {0.00041, 0.0123, 1.5};
  figures.wait = {-1, -1, -1};
  for (std::size_t i = 0; i < pools; ++i) {
    TopPool pool;
    pool.database = "db" + std::to_string(i);
    pool.user = "someone";
    pool.size = 20;
    figures.pools.push_back(pool);
  }
  return figures;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("the head says how the process and the database are") {
  const auto lines = lines_of(top_text(figures_of(0), "h:1", {}));
  CHECK(lines[0].starts_with("ballast 1.2 at h:1, up 1 h 1 min   database awake"));
  CHECK(lines[1] ==
        "clients 12 of 1000   transactions 1234.6/s   request p50 / p95 / p99 0.41 / 12.3 / 1500 ms   wait - "
        "/ - / - ms");
}

TEST_CASE("keepalive's price is shown where it is told") {
  TopFigures figures = figures_of(0);
  CHECK(top_text(figures, "h:1", {}).find("CU hours") == std::string::npos);
  figures.keepalive_spent_cu_hours = 1.234;
  CHECK(top_text(figures, "h:1", {}).find("0 connects, 1.23 CU hours") != std::string::npos);
  figures.keepalive_budget_cu_hours = 50;
  CHECK(top_text(figures, "h:1", {}).find("1.23 of 50 CU hours") != std::string::npos);
}

TEST_CASE("columns stand below each other") {
  TopFigures figures = figures_of(2);
  figures.pools[0].database = "über";
  figures.pools[1].clients = 123456789;
  const auto lines = lines_of(top_text(figures, "h:1", {}));
  REQUIRE(lines.size() == 7);
  CHECK(lines[5].find("someone") == lines[4].find("USER") + 1);  // ü has two bytes
  CHECK(lines[6].find("someone") == lines[4].find("USER"));
  CHECK(lines[6].size() == lines[4].size());
}

TEST_CASE("what has no room is cut, and what is hidden is counted") {
  for (const std::size_t columns : {1U, 20U, 80U}) {
    for (const std::string& line : lines_of(top_text(figures_of(3), "h:1", {columns, 50})))
      CHECK(line.size() <= columns);
  }
  for (std::size_t rows = 1; rows < 40; ++rows) {
    CHECK(lines_of(top_text(figures_of(30), "h:1", {80, rows})).size() == std::min<std::size_t>(rows, 35));
  }
  CHECK(lines_of(top_text(figures_of(30), "h:1", {80, 10})).back() == "... and 26 more");
}

TEST_CASE("a name can't take the whole line, move the cursor or begin another line") {
  TopFigures figures = figures_of(1);
  figures.pools[0].database = std::string(100, 'x');
  figures.pools[0].user = "\x1b[2J\n";
  const std::string text = top_text(figures, "h:1", {});
  CHECK(text.find(std::string(23, 'x') + "~ ") != std::string::npos);
  CHECK(text.find("\\x1b[2J\\n") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}
