#include "proxy/app/metrics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <sstream>
#include <tuple>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "proxy/app/counter_table.hpp"
#include "proxy/app/process_figures.hpp"

namespace ballast {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// From 256 us to 34 s: powers of two, at which a Histogram counts exactly.
constexpr int first_power = 8;
constexpr int last_power = 25;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily made;
  made.name = "ballast_" + std::move(name);
  made.help = std::move(help);
  made.type = type;
  return made;
}

void add_gauge(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void add_counter(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

void add_histogram(MetricFamily& family, Labels labels, const Durations& durations) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram.sample_count = durations.count();
  metric.histogram.sample_sum = seconds(durations.sum());
  for (int power = first_power; power <= last_power; ++power) {
    metric.histogram.bucket.push_back({durations.shorter_than_power(power), std::ldexp(1e-6, power)});
  }
  metric.histogram.bucket.push_back({metric.histogram.sample_count, INFINITY});
  family.metric.push_back(std::move(metric));
}

Labels labels_of(const PoolFigures& pool) {
  return {{"database", pool.key.database}, {"user", pool.key.user}};
}

Labels labels_of(const PoolFigures& pool, std::string state) {
  Labels labels = labels_of(pool);
  labels.push_back({"state", std::move(state)});
  return labels;
}

using Families = std::vector<MetricFamily>;

void add_counters(const Census& census, Families& families) {
  std::string_view last;
  for (const CounterEntry& entry : counter_table()) {
    if (entry.family != std::exchange(last, entry.family)) {
      families.push_back(
          family(std::string(entry.family) + "_total", std::string(entry.help), MetricType::Counter));
    }
    std::uint64_t sum = 0;
    for (const Counters* const counters : census.counters) sum += (counters->*entry.counter).value();
    Labels labels;
    if (!entry.label.empty()) labels.push_back({std::string(entry.label), std::string(entry.value)});
    add_counter(families.back(), std::move(labels), static_cast<double>(sum));
  }
}

void add_pools(const Census& census, Families& families) {
  MetricFamily clients = family("clients", "Clients of a pool, by what they do.", MetricType::Gauge);
  MetricFamily servers = family("servers", "Server connections of a pool, by state.", MetricType::Gauge);
  MetricFamily sizes = family("pool_size", "Server connections that a pool may have.", MetricType::Gauge);
  MetricFamily waits =
      family("oldest_wait_seconds", "How long the first of those who wait has waited.", MetricType::Gauge);
  MetricFamily overloaded =
      family("pool_overloaded", "1: the pool serves the newest and sheds (queue_target).", MetricType::Gauge);
  for (const PoolFigures& pool : census.pools) {
    const auto waiting = static_cast<double>(pool.clients_waiting);
    add_gauge(clients, labels_of(pool, "active"), pool.servers_active);
    add_gauge(clients, labels_of(pool, "waiting"), waiting);
    add_gauge(clients, labels_of(pool, "idle"), std::max(0.0, pool.clients - pool.servers_active - waiting));
    add_gauge(servers, labels_of(pool, "active"), pool.servers_active);
    add_gauge(servers, labels_of(pool, "idle"), pool.servers_idle);
    add_gauge(servers, labels_of(pool, "settling"), pool.servers_settling);
    add_gauge(servers, labels_of(pool, "connecting"), static_cast<double>(pool.servers_connecting));
    add_gauge(sizes, labels_of(pool), pool.size);
    add_gauge(waits, labels_of(pool), seconds(pool.oldest_wait));
    add_gauge(overloaded, labels_of(pool), pool.is_overloaded ? 1 : 0);
  }
  for (MetricFamily* const made : {&clients, &servers, &sizes, &waits, &overloaded})
    families.push_back(std::move(*made));
}

void add_times(const Census& census, Families& families) {
  MetricFamily requests = family(
      "request_seconds", "From a request's way to its server until it is answered.", MetricType::Histogram);
  MetricFamily transactions =
      family("transaction_seconds", "From a transaction's first request to its end.", MetricType::Histogram);
  MetricFamily waits =
      family("wait_seconds", "How long a client that needed a server waited for it.", MetricType::Histogram);
  for (const PoolFigures& pool : census.pools) {
    add_histogram(requests, labels_of(pool), pool.request_time);
    add_histogram(transactions, labels_of(pool), pool.transaction_time);
    add_histogram(waits, labels_of(pool), pool.wait_time);
  }
  for (MetricFamily* const made : {&requests, &transactions, &waits}) families.push_back(std::move(*made));
}

void add_upstream(const Census& census, Families& families) {
  using State = Upstream::State;
  MetricFamily states =
      family("upstream_state", "1 for the state that the database is in.", MetricType::Gauge);
  for (const State state :
       {State::unknown, State::awake, State::asleep, State::waking, State::down, State::refused})
    add_gauge(states, {{"state", std::string(name_of(state))}}, state == census.upstream ? 1 : 0);
  families.push_back(std::move(states));
  const Keepalive::Figures& keepalive = census.keepalive;
  MetricFamily pings =
      family("keepalive_pings_total", "Queries sent to keep the database awake.", MetricType::Counter);
  add_counter(pings, {}, static_cast<double>(keepalive.pings));
  families.push_back(std::move(pings));
  MetricFamily connects = family("keepalive_connects_total",
                                 "Connects made to wake the database in its hours.", MetricType::Counter);
  add_counter(connects, {}, static_cast<double>(keepalive.connects));
  families.push_back(std::move(connects));
  MetricFamily ends = family("keepalive_budget_ends_total",
                             "How often keepalive_budget_cu_hours has ended it.", MetricType::Counter);
  add_counter(ends, {}, static_cast<double>(keepalive.budget_ends));
  families.push_back(std::move(ends));
}

void add_process(const Census& census, Families& families) {
  MetricFamily build = family("build_info", "The version that runs.", MetricType::Gauge);
  add_gauge(build, {{"version", BALLAST_VERSION}}, 1);
  families.push_back(std::move(build));
  MetricFamily connections =
      family("client_connections", "Client connections, logged in or about to be.", MetricType::Gauge);
  add_gauge(connections, {}, census.clients);
  families.push_back(std::move(connections));
  MetricFamily most = family("max_client_conn", "Client connections that there may be.", MetricType::Gauge);
  add_gauge(most, {}, census.max_clients);
  families.push_back(std::move(most));
  const ProcessFigures process = process_figures();
  // The names that every client library of Prometheus uses for its process.
  const std::array gauges{
      std::tuple{"process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes},
      std::tuple{"process_open_fds", "Number of open file descriptors.", process.open_fds},
      std::tuple{"process_start_time_seconds", "Start time of the process since the epoch.",
                 process.start_time_s}};
  for (const auto& [name, help, value] : gauges) {
    families.push_back({name, help, MetricType::Gauge, {}});
    add_gauge(families.back(), {}, value);
  }
  families.push_back({"process_cpu_seconds_total", "User and system time spent.", MetricType::Counter, {}});
  add_counter(families.back(), {}, process.cpu_s);
}

}  // namespace

std::string_view name_of(Upstream::State state) {
  constexpr std::array<std::string_view, 6> names{"unknown", "awake", "asleep", "waking", "down", "refused"};
  return names[static_cast<std::size_t>(state)];
}

std::string exposition(const Census& census) {
  Families families;
  add_process(census, families);
  add_pools(census, families);
  add_times(census, families);
  add_counters(census, families);
  add_upstream(census, families);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace ballast
