#include "proxy/app/console_tables.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;
using Values = std::map<std::string, std::string>;

struct Process {
  Process() {
    options.settings.upstream.dbname = "app";
    options.settings.upstream.user = "ann";
    options.settings.upstream.password = "a p4ssword";
    options.settings.upstream.hosts = {{"db.example", {}, 5433}};
    figures.options = &options;
    figures.now = TimePoint(1000s);
    figures.wall = std::chrono::system_clock::time_point(1'763'740'800s);  // 2025-11-21 16:00 UTC
  }
  PoolFigures& add_pool(const std::string& database, const std::string& user) {
    PoolFigures pool;
    pool.key = {database, user};
    figures.pools.push_back(pool);
    return figures.pools.back();
  }
  // Of each row: the columns' names and values; NULL is "(null)".
  std::vector<Values> rows(Show show, ColumnNames names = ColumnNames::present) const {
    const ConsoleTable table = table_of(show, names, figures);
    std::vector<Values> all;
    for (const Row& row : table.rows) {
      REQUIRE(row.size() == table.columns.size());
      Values values;
      for (std::size_t i = 0; i < row.size(); ++i)
        values[std::string(table.columns[i].name)] = row[i].value_or("(null)");
      all.push_back(values);
    }
    return all;
  }
  std::string all_text(Show show) const {
    std::string text;
    for (const Values& row : rows(show)) {
      for (const auto& [name, value] : row) text += value + "\n";
    }
    return text;
  }

  Options options;
  ConsoleFigures figures;
};

Durations durations(std::vector<std::chrono::milliseconds> times) {
  Durations all;
  for (const auto time : times) all.add(time);
  return all;
}

}  // namespace

TEST_CASE("every table has as many values in a row as it has columns") {
  Process process;
  process.add_pool("app", "ann");
  process.figures.clients.push_back({});
  process.figures.clients.back().state = ClientFigures::State::active;
  process.figures.clients.back().pins = Residue::temp_objects;
  process.figures.servers.push_back({});
  process.figures.statements.push_back({3, "select 1", 2});
  for (std::size_t i = 0; i < show_names().size(); ++i) {
    const auto show = static_cast<Show>(i);
    CAPTURE(show_names()[i]);
    for (const ColumnNames names : {ColumnNames::present, ColumnNames::present_and_former}) {
      const bool has_rows =
          show != Show::help && show != Show::peers && show != Show::peer_pools && show != Show::dns_zones;
      CHECK(process.rows(show, names).empty() != has_rows);
    }
    CHECK(columns_of(show, ColumnNames::present).empty() == (show == Show::help));
  }
}

TEST_CASE("figures are of PgBouncer's types") {
  const auto type = [](Show show, std::string_view name) {
    for (const Column& column : columns_of(show, ColumnNames::present_and_former)) {
      if (column.name == name) return column.type;
    }
    FAIL("no such column: ", name);
    return ColumnType::text;
  };
  CHECK(type(Show::stats, "total_received") == ColumnType::numeric);
  CHECK(type(Show::stats, "total_requests") == ColumnType::numeric);
  CHECK(type(Show::pools, "maxwait") == ColumnType::int4);
  CHECK(type(Show::pools, "pool_mode") == ColumnType::text);
  CHECK(type(Show::clients, "connect_time") == ColumnType::text);
  CHECK(type(Show::dns_hosts, "ttl") == ColumnType::int8);
  CHECK(type(Show::users, "pool_size") == ColumnType::text);
  CHECK(columns_of(Show::clients, ColumnNames::present).size() == 21);
  CHECK(columns_of(Show::sockets, ColumnNames::present).size() == 28);
  CHECK(columns_of(Show::stats, ColumnNames::present).size() == 23);
}

TEST_CASE("STATS adds the pools of a database up, with those that are not there any more") {
  Process process;
  process.add_pool("app", "ann").totals = {.transactions = 10, .queries = 20, .bytes_received = 300};
  process.add_pool("app", "bob").totals = {.transactions = 1, .queries = 2};
  process.add_pool("other", "ann").totals.queries = 7;
  process.figures.pools[0].request_time = durations({4ms, 8ms});
  process.figures.departed["app"].totals.transactions = 100;
  process.figures.departed["gone"].totals.transactions = 5;
  const auto rows = process.rows(Show::stats, ColumnNames::present_and_former);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("database") == "app");
  CHECK(rows[0].at("total_xact_count") == "111");
  CHECK(rows[0].at("total_query_count") == "22");
  CHECK(rows[0].at("total_requests") == "22");
  CHECK(rows[0].at("total_received") == "300");
  CHECK(rows[0].at("total_query_time") == "12000");
  CHECK(rows[1].at("database") == "gone");
  CHECK(rows[2].at("total_query_count") == "7");
  const auto totals = process.rows(Show::totals);
  CHECK(totals[1].at("name") == "total_xact_count");
  CHECK(totals[1].at("value") == "116");
}

TEST_CASE("SHOW STATS does not overflow where its counters are near their end [5.7-122]") {
  Process process;
  process.add_pool("app", "ann").totals.bytes_sent = 18446744073709551615ULL;
  process.add_pool("app", "ann").totals.queries = 9223372036854775808ULL;
  process.figures.past = std::make_shared<const PastFigures>(PastFigures{{}, {}, process.figures.now - 60s});
  const auto rows = process.rows(Show::stats);
  CHECK(rows[0].at("total_sent") == "18446744073709551615");
  CHECK(rows[0].at("total_query_count") == "9223372036854775808");
  CHECK(rows[0].at("avg_query_count") == "153722867280912928");  // to within a double's precision
}

TEST_CASE("averages are of what has come since the past: times for each, all else for each second") {
  Process process;
  PoolFigures& pool = process.add_pool("app", "ann");
  pool.totals = {.transactions = 160, .queries = 700, .bytes_sent = 1000};
  pool.transaction_time = durations({2ms, 4ms});
  PastFigures past;
  past.at = process.figures.now - 60s;
  past.databases["app"].totals = {.transactions = 40, .queries = 100, .bytes_sent = 400};
  past.databases["app"].transaction_us = 3000;
  process.figures.past = std::make_shared<const PastFigures>(past);
  const auto rows = process.rows(Show::stats);
  CHECK(rows[0].at("avg_xact_count") == "2");
  CHECK(rows[0].at("avg_query_count") == "10");
  CHECK(rows[0].at("avg_sent") == "10");
  CHECK(rows[0].at("avg_xact_time") == "25");  // 3000 us more, 120 transactions
  CHECK(rows[0].at("avg_wait_time") == "0");
  CHECK(process.rows(Show::stats_averages)[0].at("query_count") == "10");
  CHECK(process.rows(Show::stats_totals)[0].at("query_count") == "700");
}

TEST_CASE("LATENCY has the percentiles of the window alone") {
  Process process;
  PoolFigures& pool = process.add_pool("app", "ann");
  PastFigures past;
  past.at = process.figures.now - 60s;
  PoolFigures before = pool;
  before.request_time = durations({500ms, 500ms, 500ms});
  past.pools.emplace(before.key, before);
  process.figures.past = std::make_shared<const PastFigures>(past);
  pool.request_time = before.request_time;
  for (int i = 1; i <= 100; ++i) pool.request_time.add(std::chrono::milliseconds(i));
  const auto row = process.rows(Show::latency)[0];
  CHECK(row.at("window_s") == "60");
  CHECK(row.at("query_count") == "100");
  const auto near = [&row](const std::string& column, double us) {
    CHECK(std::stod(row.at(column)) == doctest::Approx(us).epsilon(0.04));
  };
  near("query_p50_us", 50'000);
  near("query_p95_us", 95'000);
  near("query_p99_us", 99'000);
  CHECK(row.at("wait_p99_us") == "0");
}

TEST_CASE("a pool's clients and servers are told by their states") {
  Process process;
  PoolFigures& pool = process.add_pool("app", "ann");
  pool.clients = 7;
  pool.clients_waiting = 2;
  pool.oldest_wait = 3s + 5us;
  using State = ServerFigures::State;
  for (const State state :
       {State::active, State::listening, State::idle, State::idle, State::rested, State::tested}) {
    process.figures.servers.push_back({});
    process.figures.servers.back().key = pool.key;
    process.figures.servers.back().state = state;
    process.figures.servers.back().key.listening = state == State::listening;
  }
  const auto row = process.rows(Show::pools)[0];
  CHECK(row.at("cl_active") == "5");
  CHECK(row.at("cl_waiting") == "2");
  CHECK(row.at("sv_active") == "2");  // who listens for all is at work
  CHECK(row.at("sv_idle") == "2");
  CHECK(row.at("sv_used") == "1");
  CHECK(row.at("sv_tested") == "1");
  CHECK(row.at("maxwait") == "3");
  CHECK(row.at("maxwait_us") == "5");
  CHECK(row.at("pool_mode") == "transaction");
}

TEST_CASE("a client and its server name each other, and times are those of the day") {
  Process process;
  ClientFigures client;
  client.id = 12;
  client.key = {"app", "ann"};
  client.state = ClientFigures::State::active;
  client.server = 3;
  client.application_name = "psql";
  client.connected_at = process.figures.now - 65s;
  client.asked_at = process.figures.now;
  ServerFigures server;
  server.id = 3;
  server.stream.fd = 9;
  process.figures.clients = {client};
  process.figures.servers = {server};
  const auto shown = process.rows(Show::clients)[0];
  CHECK(shown.at("ptr") == "C-12");
  CHECK(shown.at("link") == "S-3");
  CHECK(shown.at("connect_time") == "2025-11-21 15:58:55 UTC");
  const auto other = process.rows(Show::servers)[0];
  CHECK(other.at("link") == "C-12");
  CHECK(other.at("application_name") == "psql");
  CHECK(process.rows(Show::fds)[0].at("link") == "9");
  CHECK(process.rows(Show::fds)[0].at("password") == "(null)");
  CHECK(process.rows(Show::active_sockets).size() == 1);
}

TEST_CASE("FDS begins with the sockets that clients come to") {
  Process process;
  process.figures.doors.push_back({});
  process.figures.doors.back().fd = 11;
  process.figures.doors.back().address = "0.0.0.0";
  process.figures.doors.back().port = 6432;
  process.figures.servers.push_back({});
  const auto rows = process.rows(Show::fds);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("fd") == "11");
  CHECK(rows[0].at("task") == "pooler");
  CHECK(rows[0].at("user") == "(null)");
  CHECK(rows[0].at("database") == "(null)");
  CHECK(rows[0].at("addr") == "0.0.0.0");
  CHECK(rows[0].at("port") == "6432");
  CHECK(rows[1].at("task") == "server");
}

TEST_CASE("the connection that listens for all is at work for no client in particular") {
  Process process;
  ServerFigures server;
  server.id = 3;
  server.key = {"app", "ann", Replication::none, true};
  server.state = ServerFigures::State::listening;
  process.figures.servers = {server};
  CHECK(process.rows(Show::servers)[0].at("state") == "listening");
  CHECK(process.rows(Show::servers)[0].at("link").empty());
  CHECK(process.rows(Show::active_sockets)[0].at("state") == "sv_listening");
  CHECK(process.rows(Show::fds)[0].at("task") == "server");
}

TEST_CASE("who has not said yet who it is, is a socket and no client") {
  Process process;
  process.figures.clients.push_back({});
  CHECK(process.rows(Show::clients).empty());
  CHECK(process.rows(Show::sockets)[0].at("user") == "(nouser)");
  CHECK(process.rows(Show::sockets)[0].at("state") == "cl_login");
}

TEST_CASE("databases are those of the settings, of pools, and of the URL") {
  Process process;
  process.options.settings.databases["reports"].pool_mode = PoolMode::session;
  process.options.settings.databases["reports"].pool_size = 3;
  process.add_pool("crm", "ann").clients = 4;
  process.figures.gates.paused.insert("crm");
  process.figures.gates.disabled.insert("reports");
  const auto rows = process.rows(Show::databases, ColumnNames::present_and_former);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("name") == "app");
  CHECK(rows[0].at("host") == "db.example");
  CHECK(rows[0].at("port") == "5433");
  CHECK(rows[0].at("pool_mode") == "(null)");
  CHECK(rows[0].at("reserve_pool") == "0");
  CHECK(rows[1].at("name") == "crm");
  CHECK(rows[1].at("current_client_connections") == "4");
  CHECK(rows[1].at("paused") == "1");
  CHECK(rows[2].at("pool_mode") == "session");
  CHECK(rows[2].at("pool_size") == "3");
  CHECK(rows[2].at("disabled") == "1");
}

TEST_CASE("settings are shown in PgBouncer's form and in ours, and no secret in either") {
  Process process;
  process.options.settings.http_token = "a t0ken";
  process.options.settings.upstream_url = "postgresql://ann:a%20p4ssword@db.example:5433/app";
  process.options.settings.query_wait_timeout = 1500ms;
  for (const Show show : {Show::config, Show::settings, Show::upstream}) {
    const std::string text = process.all_text(show);
    CHECK(text.find("t0ken") == std::string::npos);
    CHECK(text.find("p4ssword") == std::string::npos);
  }
  const auto value = [&process](Show show, const std::string& column, const std::string& name) {
    for (const Values& row : process.rows(show)) {
      if (row.at(column) == name) return row.at("value");
    }
    return std::string();
  };
  CHECK(value(Show::config, "key", "query_wait_timeout") == "1.5");
  CHECK(value(Show::config, "key", "max_client_conn") == "1000");
  CHECK(value(Show::config, "key", "max_packet_size") == "1073741822");
  CHECK(value(Show::settings, "name", "query_wait_timeout") == "1500ms");
  CHECK(process.rows(Show::config).front().at("key") < process.rows(Show::config).back().at("key"));
}

TEST_CASE("PINS says who holds a server and why") {
  Process process;
  ClientFigures client;
  client.id = 5;
  client.server = 2;
  client.pins = Residue::temp_objects | ResidueSet(Residue::advisory_locks);
  process.figures.clients = {client, ClientFigures{}};
  const auto rows = process.rows(Show::pins);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("reasons") == "advisory_locks, temp_objects");
}

}  // namespace ballast
