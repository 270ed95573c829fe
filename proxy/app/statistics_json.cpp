#include "proxy/app/statistics_json.hpp"

#include <chrono>

#include "proxy/app/counter_table.hpp"
#include "proxy/app/database_health.hpp"
#include "proxy/app/process_figures.hpp"
#include "proxy/base/json_writer.hpp"

namespace ballast {

namespace {

double to_ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void write_times(JsonWriter& json, std::string_view name, const Durations& times) {
  json.key(name).begin_object().field("count", times.count());
  json.field("p50_ms", to_ms(times.percentile(0.50))).field("p95_ms", to_ms(times.percentile(0.95)));
  json.field("p99_ms", to_ms(times.percentile(0.99))).end_object();
}

void write_totals(JsonWriter& json, const PoolTotals& totals) {
  json.key("totals").begin_object();
  json.field("transactions", totals.transactions).field("queries", totals.queries);
  json.field("bytes_received", totals.bytes_received).field("bytes_sent", totals.bytes_sent);
  json.field("server_assignments", totals.server_assignments);
  json.field("client_parses", totals.client_parses).field("server_parses", totals.server_parses);
  json.field("binds", totals.binds).end_object();
}

void write_pool(JsonWriter& json, const PoolFigures& pool, const RecentTimes& recent) {
  json.begin_object().field("database", pool.key.database).field("user", pool.key.user);
  json.key("clients").begin_object().field("active", pool.servers_active);
  json.field("idle", pool.clients_idle()).field("waiting", pool.clients_waiting).end_object();
  json.key("servers").begin_object().field("active", pool.servers_active);
  json.field("pinned", pool.servers_pinned).field("idle", pool.servers_idle);
  json.field("listening", pool.servers_listening);
  json.field("settling", pool.servers_settling).field("connecting", pool.servers_connecting).end_object();
  json.field("size", pool.size).field("oldest_wait_ms", to_ms(pool.oldest_wait));
  json.field("overloaded", pool.is_overloaded);
  write_totals(json, pool.totals);
  json.key("last_minute").begin_object();
  write_times(json, "request", recent.request);
  write_times(json, "transaction", recent.transaction);
  write_times(json, "wait", recent.wait);
  json.end_object().end_object();
}

// Counters by family: a number, or an object of one number for each value of its label.
void write_counters(JsonWriter& json, const Census& census) {
  json.key("counters").begin_object();
  std::string_view open;  // the family whose object has begun
  for (const CounterEntry& entry : counter_table()) {
    if (!open.empty() && entry.family != open) {
      json.end_object();
      open = {};
    }
    if (!entry.label.empty() && open.empty()) json.key(open = entry.family).begin_object();
    json.field(entry.label.empty() ? entry.family : entry.value, census.sum(entry.counter));
  }
  if (!open.empty()) json.end_object();
  json.end_object();
}

void write_keepalive(JsonWriter& json, const Keepalive::Figures& keepalive) {
  json.key("keepalive").begin_object().field("pings", keepalive.pings);
  json.field("awake_s", std::chrono::duration<double>(keepalive.spending.awake).count());
  json.field("spent_cu_hours", keepalive.spending.cu_hours());
  json.field("budget_cu_hours", cu_hours(keepalive.budget_cu_microseconds)).end_object();
}

template <typename Get>
void write_column(JsonWriter& json, std::string_view name, const Chronicle& chronicle, Get get) {
  json.key(name).begin_array();
  for (const Chronicle::Point& point : chronicle.points()) json.value(get(point));
  json.end_array();
}

}  // namespace

std::string statistics_json(const Census& census, const Chronicle& chronicle) {
  const ProcessFigures process = process_figures();
  JsonWriter json;
  json.begin_object().field("version", BALLAST_VERSION).field("started_at_s", process.start_time_s);
  json.field("resident_bytes", process.resident_bytes).field("cpu_s", process.cpu_s);
  json.key("clients").begin_object().field("connected", census.clients);
  json.field("max", census.max_clients).end_object();
  json.key("upstream").begin_object();
  write_upstream(json, census.upstream);
  json.end_object();
  write_keepalive(json, census.keepalive);
  json.key("pools").begin_array();
  for (const PoolFigures& pool : census.pools) write_pool(json, pool, chronicle.recent(pool));
  json.end_array();
  json.key("workers").begin_array();
  for (const Census::OfWorker& worker : census.workers) {
    json.begin_object().field("clients", worker.clients);
    write_times(json, "loop_lag", worker.loop_lag);
    json.end_object();
  }
  json.end_array();
  write_counters(json, census);
  json.end_object();
  return json.take();
}

std::string history_json(const Chronicle& chronicle) {
  using Point = Chronicle::Point;
  JsonWriter json;
  json.begin_object().field("interval_s", Chronicle::interval.count());
  write_column(json, "at_s", chronicle, [](const Point& point) { return point.at_s; });
  write_column(json, "upstream", chronicle, [](const Point& point) { return name_of(point.upstream); });
  write_column(json, "clients", chronicle, [](const Point& point) { return point.clients; });
  write_column(json, "clients_active", chronicle, [](const Point& point) { return point.clients_active; });
  write_column(json, "clients_waiting", chronicle, [](const Point& point) { return point.clients_waiting; });
  write_column(json, "servers", chronicle, [](const Point& point) { return point.servers; });
  write_column(json, "servers_pinned", chronicle, [](const Point& point) { return point.servers_pinned; });
  write_column(json, "queries_per_s", chronicle, [](const Point& point) { return point.queries_per_s; });
  write_column(json, "transactions_per_s", chronicle,
               [](const Point& point) { return point.transactions_per_s; });
  write_column(json, "shed_per_s", chronicle, [](const Point& point) { return point.shed_per_s; });
  write_column(json, "p50_ms", chronicle, [](const Point& point) { return to_ms(point.p50); });
  write_column(json, "p95_ms", chronicle, [](const Point& point) { return to_ms(point.p95); });
  write_column(json, "p99_ms", chronicle, [](const Point& point) { return to_ms(point.p99); });
  json.end_object();
  return json.take();
}

}  // namespace ballast
