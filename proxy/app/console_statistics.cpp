// Rows of what has been served: since the start, and lately.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

#include "proxy/app/console_rows.hpp"

namespace ballast {

namespace {

// What PgBouncer counts, in the order of its columns.
enum Figure : std::size_t {
  server_assignments,
  transactions,
  queries,
  bytes_received,
  bytes_sent,
  transaction_us,
  query_us,
  wait_us,
  client_parses,
  server_parses,
  binds,
  figure_count,
};
using Served = std::array<std::uint64_t, figure_count>;

constexpr std::array<std::string_view, figure_count> total_names{
    "server_assignment_count",
    "xact_count",
    "query_count",
    "client_bytes",
    "server_bytes",
    "xact_time",
    "query_time",
    "wait_time",
    "ps_client_parse_count",
    "ps_server_parse_count",
    "ps_bind_count",
};

Served in_order(const ServedTotals& served) {
  const PoolTotals& totals = served.totals;
  return {totals.server_assignments, totals.transactions,   totals.queries,    totals.bytes_received,
          totals.bytes_sent,         served.transaction_us, served.request_us, served.wait_us,
          totals.client_parses,      totals.server_parses,  totals.binds};
}

struct Statistics {
  Served total{};
  Served past{};

  void add(const Statistics& other) {
    for (std::size_t i = 0; i < figure_count; ++i) total[i] += other.total[i];
    for (std::size_t i = 0; i < figure_count; ++i) past[i] += other.past[i];
  }
};

std::map<std::string, Statistics> by_database(const ConsoleFigures& figures) {
  std::map<std::string, Statistics> statistics;
  for (const auto& [database, totals] : served(figures)) statistics[database].total = in_order(totals);
  if (!figures.past) return statistics;
  for (const auto& [database, totals] : figures.past->databases) {
    const auto found = statistics.find(database);
    if (found != statistics.end()) found->second.past = in_order(totals);
  }
  return statistics;
}

double window_s(const ConsoleFigures& figures) {
  return figures.past ? std::chrono::duration<double>(figures.now - figures.past->at).count() : 0;
}

// Times are for each of what took them, all else for each second.
Served averages(const ConsoleFigures& figures, const Statistics& statistics) {
  Served since{};
  for (std::size_t i = 0; i < figure_count; ++i)
    since[i] = statistics.total[i] - std::min(statistics.past[i], statistics.total[i]);
  const double seconds = window_s(figures);
  Served average{};
  for (std::size_t i = 0; i < figure_count && seconds > 0; ++i)
    average[i] = static_cast<std::uint64_t>(static_cast<double>(since[i]) / seconds);
  const auto each = [&](Figure time, Figure count) {
    average[time] = since[count] == 0 ? 0 : since[time] / since[count];
  };
  each(transaction_us, transactions);
  each(query_us, queries);
  each(wait_us, server_assignments);
  return average;
}

void append(Row& row, const Served& served) {
  for (const std::uint64_t figure : served) row.push_back(number(figure));
}

void append_percentiles(Row& row, Durations all, const Durations* past) {
  if (past != nullptr) all -= *past;
  row.push_back(number(all.count()));
  for (const double part : {0.5, 0.95, 0.99}) row.push_back(number(all.percentile(part).count()));
}

const PoolFigures* past_of(const ConsoleFigures& figures, const PoolKey& key) {
  if (!figures.past) return nullptr;
  const auto found = figures.past->pools.find(key);
  return found == figures.past->pools.end() ? nullptr : &found->second;
}

}  // namespace

std::map<std::string, ServedTotals> served(const ConsoleFigures& figures) {
  std::map<std::string, ServedTotals> databases = figures.departed;
  for (const PoolFigures& pool : figures.pools) databases[pool.key.database] += pool.served();
  return databases;
}

Rows statistics_rows(const ConsoleFigures& figures, Show show, ColumnNames names) {
  Rows rows;
  for (const auto& [database, statistics] : by_database(figures)) {
    Row row{text(database)};
    if (show != Show::stats_averages) append(row, statistics.total);
    if (show != Show::stats_totals) append(row, averages(figures, statistics));
    const bool has_former = show == Show::stats && names == ColumnNames::present_and_former;
    if (has_former) row.push_back(number(statistics.total[queries]));
    rows.push_back(std::move(row));
  }
  return rows;
}

Rows total_rows(const ConsoleFigures& figures) {
  Statistics statistics;
  for (const auto& [database, some] : by_database(figures)) statistics.add(some);
  const Served average = averages(figures, statistics);
  Rows rows;
  for (std::size_t i = 0; i < figure_count; ++i)
    rows.push_back({text("total_" + std::string(total_names[i])), number(statistics.total[i])});
  for (std::size_t i = 0; i < figure_count; ++i)
    rows.push_back({text("avg_" + std::string(total_names[i])), number(average[i])});
  return rows;
}

Rows latency_rows(const ConsoleFigures& figures) {
  Rows rows;
  for (const PoolFigures& pool : figures.pools) {
    const PoolFigures* const past = past_of(figures, pool.key);
    Row row{text(pool.key.database), text(pool.key.user), number(static_cast<int>(window_s(figures)))};
    append_percentiles(row, pool.request_time, past != nullptr ? &past->request_time : nullptr);
    append_percentiles(row, pool.transaction_time, past != nullptr ? &past->transaction_time : nullptr);
    append_percentiles(row, pool.wait_time, past != nullptr ? &past->wait_time : nullptr);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ballast
