#include "proxy/app/metrics.hpp"

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
#include "proxy/base/log.hpp"

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
    Labels labels;
    if (!entry.label.empty()) labels.push_back({std::string(entry.label), std::string(entry.value)});
    add_counter(families.back(), std::move(labels), static_cast<double>(census.sum(entry.counter)));
  }
}

void add_pools(const Census& census, Families& families) {
  MetricFamily clients = family("clients", "Clients of a pool, by what they do.", MetricType::Gauge);
  MetricFamily servers = family("servers", "Server connections of a pool, by state.", MetricType::Gauge);
  MetricFamily pinned =
      family("pinned_servers", "Of the active ones: kept by their client for what can't travel (pins).",
             MetricType::Gauge);
  MetricFamily sizes = family("pool_size", "Server connections that a pool may have.", MetricType::Gauge);
  MetricFamily waits =
      family("oldest_wait_seconds", "How long the first of those who wait has waited.", MetricType::Gauge);
  MetricFamily overloaded =
      family("pool_overloaded", "1: the pool serves the newest and sheds (queue_target).", MetricType::Gauge);
  for (const PoolFigures& pool : census.pools) {
    add_gauge(clients, labels_of(pool, "active"), pool.servers_active);
    add_gauge(clients, labels_of(pool, "waiting"), static_cast<double>(pool.clients_waiting));
    add_gauge(clients, labels_of(pool, "idle"), pool.clients_idle());
    add_gauge(servers, labels_of(pool, "active"), pool.servers_active);
    add_gauge(servers, labels_of(pool, "listening"), pool.servers_listening);
    add_gauge(servers, labels_of(pool, "idle"), pool.servers_idle);
    add_gauge(servers, labels_of(pool, "settling"), pool.servers_settling);
    add_gauge(servers, labels_of(pool, "connecting"), static_cast<double>(pool.servers_connecting));
    add_gauge(pinned, labels_of(pool), pool.servers_pinned);
    add_gauge(sizes, labels_of(pool), pool.size);
    add_gauge(waits, labels_of(pool), seconds(pool.oldest_wait));
    add_gauge(overloaded, labels_of(pool), pool.is_overloaded ? 1 : 0);
  }
  for (MetricFamily* const made : {&clients, &servers, &pinned, &sizes, &waits, &overloaded})
    families.push_back(std::move(*made));
}

struct PoolTotal {
  const char* name;
  const char* help;
  std::uint64_t PoolTotals::*total;
};
constexpr std::array pool_totals{
    PoolTotal{"transactions_total", "Transactions that servers have ended.", &PoolTotals::transactions},
    PoolTotal{"queries_total", "What clients have asked for: Query, Execute, FunctionCall.",
              &PoolTotals::queries},
    PoolTotal{"received_bytes_total", "Bytes from clients that have logged in.", &PoolTotals::bytes_received},
    PoolTotal{"sent_bytes_total", "Bytes of servers' answers to clients.", &PoolTotals::bytes_sent},
    PoolTotal{"server_assignments_total", "How often a client was given a server.",
              &PoolTotals::server_assignments},
    PoolTotal{"client_parses_total", "Parse messages of clients.", &PoolTotals::client_parses},
    PoolTotal{"server_parses_total", "Parse messages to servers: the clients' and our own.",
              &PoolTotals::server_parses},
    PoolTotal{"binds_total", "Bind messages of clients.", &PoolTotals::binds},
};

void add_pool_totals(const Census& census, Families& families) {
  for (const PoolTotal& each : pool_totals) {
    MetricFamily made = family(each.name, each.help, MetricType::Counter);
    for (const PoolFigures& pool : census.pools)
      add_counter(made, labels_of(pool), static_cast<double>(pool.totals.*each.total));
    families.push_back(std::move(made));
  }
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

void add_connects(const Census& census, Families& families) {
  struct Phase {
    const char* name;
    const char* help;
    Durations Census::ConnectDurations::*durations;
  };
  using All = Census::ConnectDurations;
  constexpr std::array phases{
      Phase{"server_connect_seconds", "DNS and TCP of server connections.", &All::connect},
      Phase{"server_tls_seconds", "SSLRequest and TLS handshake of server connections.", &All::tls},
      Phase{"server_login_seconds", "Server logins, up to the first ReadyForQuery.", &All::login},
      Phase{"wake_seconds", "From the first connect to a database that sleeps until one has succeeded.",
            &All::wake},
      Phase{"client_login_seconds", "Logins of clients, from accept to ReadyForQuery.", &All::client_login}};
  for (const Phase& phase : phases) {
    MetricFamily made = family(phase.name, phase.help, MetricType::Histogram);
    add_histogram(made, {}, census.connects.*phase.durations);
    families.push_back(std::move(made));
  }
}

void add_errors(const Census& census, Families& families) {
  MetricFamily errors =
      family("errors_total", "Errors that clients were told, by class of SQLSTATE and by who made them.",
             MetricType::Counter);
  for (const auto& [source, name] : {std::pair{ErrorCounters::Source::server, "server"},
                                     std::pair{ErrorCounters::Source::ballast, "ballast"}}) {
    for (std::size_t i = 0; i < ErrorCounters::classes.size(); ++i) {
      std::uint64_t sum = 0;
      for (const ErrorCounters* const each : census.errors) sum += each->value(source, i);
      add_counter(errors, {{"sqlstate_class", std::string(ErrorCounters::classes[i])}, {"source", name}},
                  static_cast<double>(sum));
    }
  }
  families.push_back(std::move(errors));
}

void add_workers(const Census& census, Families& families) {
  MetricFamily lags = family("loop_lag_seconds",
                             "By how much a worker's event loop was late for its tick, ten times a second.",
                             MetricType::Histogram);
  MetricFamily clients = family("worker_clients", "Client connections of a worker.", MetricType::Gauge);
  MetricFamily spares = family("spare_buffer_bytes", "Memory that a worker keeps for connections to borrow.",
                               MetricType::Gauge);
  for (std::size_t i = 0; i < census.workers.size(); ++i) {
    const Labels labels{{"worker", std::to_string(i)}};
    add_histogram(lags, labels, census.workers[i].loop_lag);
    add_gauge(clients, labels, census.workers[i].clients);
    add_gauge(spares, labels, static_cast<double>(census.workers[i].spare_buffer_bytes));
  }
  for (MetricFamily* const made : {&lags, &clients, &spares}) families.push_back(std::move(*made));
}

void add_certificates(const Census& census, Families& families) {
  MetricFamily expiries =
      family("certificate_expiry_timestamp_seconds",
             "When the certificate ends that the server shows, or that we show to clients; since the epoch.",
             MetricType::Gauge);
  for (const auto& [whose, expires_s] : {std::pair{"server", census.upstream.certificate_expires_s},
                                         std::pair{"own", census.own_certificate_expires_s}}) {
    if (expires_s != 0) add_gauge(expiries, {{"certificate", whose}}, static_cast<double>(expires_s));
  }
  if (!expiries.metric.empty()) families.push_back(std::move(expiries));
}

void add_upstream(const Census& census, Families& families) {
  using State = Upstream::State;
  MetricFamily states =
      family("upstream_state", "1 for the state that the database is in.", MetricType::Gauge);
  for (const State state :
       {State::unknown, State::awake, State::asleep, State::waking, State::down, State::refused})
    add_gauge(states, {{"state", std::string(name_of(state))}}, state == census.upstream.state ? 1 : 0);
  families.push_back(std::move(states));
  add_certificates(census, families);
  MetricFamily wakes =
      family("wakes_total", "How often a connect has woken the database.", MetricType::Counter);
  add_counter(wakes, {}, static_cast<double>(census.connects.wake.count()));
  families.push_back(std::move(wakes));
}

void add_keepalive(const Census& census, Families& families) {
  constexpr std::chrono::hours hour{1};
  const Keepalive::Figures& keepalive = census.keepalive;
  MetricFamily awake =
      family("keepalive_awake_seconds",
             "For how long keepalive alone has kept the database awake in this calendar month (UTC).",
             MetricType::Gauge);
  add_gauge(awake, {}, seconds(keepalive.spending.awake));
  families.push_back(std::move(awake));
  MetricFamily spent = family("keepalive_spent_cu_seconds",
                              "What that has cost: CU times seconds; 3600 are a CU hour.", MetricType::Gauge);
  add_gauge(spent, {}, seconds(hour) * keepalive.spending.cu_hours());
  families.push_back(std::move(spent));
  MetricFamily budget =
      family("keepalive_budget_cu_seconds", "What it may cost in a month; 0: no limit.", MetricType::Gauge);
  add_gauge(budget, {}, seconds(hour) * cu_hours(keepalive.budget_cu_microseconds));
  families.push_back(std::move(budget));
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
  MetricFamily lost = family("log_lines_lost_total", "Lines of the log that standard error did not take.",
                             MetricType::Counter);
  add_counter(lost, {}, static_cast<double>(log::lost_lines()));
  families.push_back(std::move(lost));
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

double cu_hours(std::int64_t cu_microseconds) {
  return static_cast<double>(cu_microseconds) / static_cast<double>(KeepaliveSpending::cu_hour);
}

std::uint64_t Census::sum(Counter Counters::*counter) const {
  std::uint64_t sum = 0;
  for (const Counters* const each : counters) sum += (each->*counter).value();
  return sum;
}

std::string exposition(const Census& census) {
  Families families;
  add_process(census, families);
  add_pools(census, families);
  add_pool_totals(census, families);
  add_times(census, families);
  add_counters(census, families);
  add_errors(census, families);
  add_connects(census, families);
  add_workers(census, families);
  add_upstream(census, families);
  add_keepalive(census, families);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace ballast
