// Requests of a logged-in client: simple, extended, COPY, and the server that it has for them.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::error_in;
using test::House;
using wire::types;

const std::string in_transaction = backend::complete("BEGIN") + backend::ready('T');
const std::string committed = backend::complete("COMMIT") + backend::ready();

Settings with_mode(PoolMode mode) {
  Settings settings;
  settings.pool_mode = mode;
  return settings;
}

}  // namespace

TEST_CASE("a query goes to the server and its answer to the client, byte for byte, at every cut") {
  const std::string query = frontend::query("SELECT 1");
  const std::string answer = backend::selected("1");
  wire::at_every_cut(query.size(), [&](std::size_t offset, std::size_t piece) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(query.substr(0, offset));
    house.run();
    for (std::size_t at = offset; at < query.size(); at += piece) {
      client.send(query.substr(at, piece));
      house.run();
    }
    CHECK(house.server().take() == query);
    house.server().send(answer);
    house.run();
    CHECK(client.take() == answer);
    CHECK(house.pools->pools().begin()->second->idle_count() == 1);
  });
}

TEST_CASE("an answer reaches the client at every cut, and the server is free only at its end") {
  const std::string answer = backend::selected("some value");
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(frontend::query("SELECT 1"));
    house.run();
    house.server().send(answer.substr(0, cut));
    house.run();
    CHECK(house.pools->pools().begin()->second->idle_count() == 0);
    house.server().send(answer.substr(cut));
    house.run();
    CHECK(client.take() == answer);
    CHECK(house.pools->pools().begin()->second->idle_count() == 1);
  }
}

TEST_CASE("a header that comes byte by byte takes no server [5.1-1]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1").substr(0, 4));
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

TEST_CASE("a pipelined batch leaves in one write, whole") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string batch =
      frontend::query("BEGIN") + frontend::query("SELECT 1") + frontend::query("COMMIT");
  client.send(batch);
  house.run();
  CHECK(house.server().take_writes() == std::vector<std::string>{batch});
  const std::string answers =
      in_transaction + backend::complete("SELECT 1") + backend::ready('T') + committed;
  house.server().send(answers);
  house.run();
  CHECK(client.take() == answers);
}

TEST_CASE("clients take turns on one server, each with its own answers") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  one.send(frontend::query("SELECT 'one'"));
  two.send(frontend::query("SELECT 'two'"));
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 'one'"));
  house.server().send(backend::selected("one"));
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 'two'"));
  house.server().send(backend::selected("two"));
  house.run();
  CHECK(one.take() == backend::selected("one"));
  CHECK(two.take() == backend::selected("two"));
  CHECK(house.statistics().transactions.value() == 2);
}

TEST_CASE("a transaction keeps its server until it ends") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  one.send(frontend::query("BEGIN"));
  house.run();
  house.server().send(in_transaction);
  house.run();
  two.send(frontend::query("SELECT 'two'"));
  house.run();
  CHECK(house.asked() == "Q");
  one.send(frontend::query("COMMIT"));
  house.run();
  CHECK(house.server().take() == frontend::query("COMMIT"));
  house.server().send(committed);
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 'two'"));
}

TEST_CASE("a failed transaction keeps its server too") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN") + frontend::query("broken"));
  house.run();
  house.server().send(in_transaction + backend::error("42601", "syntax error") + backend::ready('E'));
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 0);
}

TEST_CASE("session pooling keeps the server until the client leaves, and resets it then") {
  House house(with_mode(PoolMode::session));
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.asked() == "Q");
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 0);
  client.send(frontend::terminate);
  house.run();
  CHECK(client.is_gone());
  CHECK(house.server().take() == frontend::query("DISCARD ALL"));
}

TEST_CASE("in session pooling a transaction is counted once, however its next request arrives") {
  House house(with_mode(PoolMode::session));
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(house.statistics().transactions.value() == 1);
  for (const char byte : frontend::query("SELECT 2").substr(0, 8)) {
    client.send({&byte, 1});
    house.run();
  }
  CHECK(house.statistics().transactions.value() == 1);
}

TEST_CASE("statement pooling refuses a transaction block, and the server goes on without it") {
  House house(with_mode(PoolMode::statement));
  test::FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN"));
  house.run();
  house.server().take();
  house.server().send(in_transaction);
  house.run();
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == "08P01");
  CHECK(error.message.find("pool_mode") != std::string::npos);
  CHECK(client.is_gone());
  CHECK(house.server().take() == frontend::query("ROLLBACK"));
}

TEST_CASE("a client that leaves in a transaction is rolled back, and the server reused") {
  for (const bool in_order : {true, false}) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(frontend::query("BEGIN"));
    house.run();
    house.server().take();
    house.server().send(in_transaction);
    house.run();
    if (in_order) {
      client.send(frontend::terminate);
    } else {
      client.fail("Connection reset by peer");
    }
    house.run();
    CHECK(client.is_gone());
    CHECK(house.server().take() == frontend::query("ROLLBACK"));
    house.server().send(backend::complete("ROLLBACK") + backend::ready());
    house.run();
    CHECK(house.pools->pools().begin()->second->idle_count() == 1);
    CHECK(house.clients.load() == 0);
  }
}

TEST_CASE(
    "a client that vanishes in the middle of a query, a message or a COPY takes its server with it "
    "[5.3-67]") {
  const std::string query = frontend::query("SELECT 1");
  for (const std::string& last : {query, query + frontend::parse("a", "x"), query.substr(0, query.size() - 2),
                                  frontend::query("BEGIN; COPY t FROM STDIN")}) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(last);
    house.run();
    client.close();
    house.run();
    CHECK(client.is_gone());
    if (last.size() >= query.size()) CHECK(house.server().is_gone());
  }
}

TEST_CASE("a server that breaks under a query is told as FATAL 08006, and the client ends [5.6-99]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("INSERT INTO t VALUES (1)"));
  house.run();
  house.server().close();
  house.run();
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == "08006");
  CHECK(error.detail == "It is not known whether what was asked of it last has been done.");
  CHECK(client.is_gone());
}

TEST_CASE("a server's own last words are told once [5.6-100]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("VACUUM t"));
  house.run();
  const std::string last =
      backend::error("57P01", "terminating connection due to administrator command", "FATAL");
  house.server().send(last);
  house.server().close();
  house.run();
  CHECK(client.take() == last);
  CHECK(client.is_gone());
}

TEST_CASE("a server that breaks in the middle of a row puts no error into that row") {
  const std::string row = backend::row(std::string(100, 'x'));
  for (const std::size_t cut : {std::size_t{3}, std::size_t{7}, std::size_t{20}, row.size() - 1}) {
    CAPTURE(cut);
    House house;
    test::FarEnd client = house.log_in();
    client.send(frontend::query("SELECT 1"));
    house.run();
    house.server().send(backend::row_description + row.substr(0, cut));
    house.run();
    house.server().close();
    house.run();
    const std::string got = client.take();
    CHECK(client.is_gone());
    if (got.size() > backend::row_description.size() + cut) {
      // Then it must be the error behind a row that was not begun.
      CHECK(cut < header_size);
      CHECK(types(got) == "TE");
    }
  }
}

TEST_CASE("query_timeout in the middle of a row puts no error into that row") {
  Settings settings;
  settings.query_timeout = 10s;
  House house(settings);
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  const std::string part = backend::row(std::string(100, 'x')).substr(0, 50);
  house.server().send(part);
  house.run();
  house.pass(10s);
  CHECK(client.take() == part);
  CHECK(client.is_gone());
}

TEST_CASE("an idle server's end is no client's business [5.6-98]") {
  House house;
  test::FarEnd client = house.log_in();
  house.server().send(backend::error("57P01", "terminating connection", "FATAL"));
  house.server().close();
  house.run();
  CHECK(client.take().empty());
  CHECK_FALSE(client.is_gone());
  client.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.connect().take() == frontend::query("SELECT 1"));
}

// The state of a session ------------------------------------------------------------------------------------

TEST_CASE(
    "a setting that the client changes travels with it to whichever server it gets, and to nobody else") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  one.send(frontend::query("SET timezone = 'Asia/Tokyo'"));
  house.run();
  house.server().take();
  const std::string changed =
      backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready();
  house.server().send(changed);
  house.run();
  CHECK(one.take() == changed);
  CHECK(house.server().take() == frontend::query(audit_query(Residue::settings, {})));
  house.server().send(backend::audit({{"s", "TimeZone", "Asia/Tokyo"}}));
  two.send(frontend::query("SELECT 'two'"));
  house.run();
  CHECK(house.server().take() == frontend::query("RESET \"timezone\";") + frontend::query("SELECT 'two'"));
  house.server().send(backend::complete("RESET") + backend::parameter("TimeZone", "UTC") + backend::ready() +
                      backend::selected("two"));
  house.run();
  CHECK(two.take() == backend::selected("two"));  // the RESET is not its business
  one.send(frontend::query("SELECT 'one'"));
  house.run();
  CHECK(house.server().take() ==
        frontend::query("SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);") +
            frontend::query("SELECT 'one'"));
}

TEST_CASE("a setting that a rollback takes back leaves nothing to carry") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  one.send(frontend::query("BEGIN; SET timezone = 'Asia/Tokyo'") + frontend::query("ROLLBACK"));
  house.run();
  house.server().take();
  house.server().send(backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") +
                      backend::ready('T') + backend::complete("ROLLBACK") +
                      backend::parameter("TimeZone", "UTC") + backend::ready());
  house.run();
  CHECK(house.server().take() == frontend::query(audit_query(Residue::settings, {})));
  house.server().send(backend::audit({}));
  house.run();
  for (test::FarEnd& client : std::vector<test::FarEnd>{two, one}) {
    client.send(frontend::query("SELECT 1"));
    house.run();
    CHECK(house.server().take() == frontend::query("SELECT 1"));
    house.server().send(backend::selected("1"));
    house.run();
  }
}

TEST_CASE("a reported value that nobody can set is not asked of another server") {
  for (const std::string name :
       {"is_superuser", "in_hot_standby", "server_version", "server_encoding", "integer_datetimes"}) {
    CAPTURE(name);
    House house;
    test::FarEnd one = house.log_in();
    test::FarEnd two = house.log_in();
    one.send(frontend::query("SET ROLE reader"));
    house.run();
    house.server().send(backend::complete("SET") + backend::parameter(name, "changed") + backend::ready());
    house.run();
    two.send(frontend::query("SELECT 2"));
    house.run();
    house.server().take();
    house.server().send(backend::complete("RESET") + backend::ready() + backend::selected("2"));
    house.run();
    one.send(frontend::query("SELECT 1"));
    house.run();
    CHECK(house.server().take().find(name) == std::string::npos);
  }
}

// Extended --------------------------------------------------------------------------------------------------

TEST_CASE("the first half of a slow client's batch holds no server [5.7-119]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::parse("", "SELECT 1") + frontend::bind("", ""));
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
  client.send(frontend::execute() + frontend::sync);
  house.run();
  CHECK(house.asked() == "PBES");
}

TEST_CASE("a Sync alone is answered without a server [5.2-56]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::sync + frontend::sync);
  house.run();
  CHECK(client.take() == backend::ready() + backend::ready());
  CHECK(house.asked().empty());
}

TEST_CASE("a Flush makes the batch so far go out, and its answers come before the Sync [5.2-57]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::parse("", "SELECT 1") + frontend::flush);
  house.run();
  CHECK(house.asked() == "PH");
  house.server().send(backend::parse_complete);
  house.run();
  CHECK(types(client.take()) == "1");
  CHECK(house.pools->pools().begin()->second->idle_count() == 0);
  client.send(frontend::sync);
  house.run();
  house.server().send(backend::ready());
  house.run();
  CHECK(types(client.take()) == "Z");
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

TEST_CASE("a batch without its Sync keeps the server from others") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  one.send(frontend::parse("", "SELECT 1") + frontend::bind("", "") + frontend::execute());
  house.run();
  house.server().take();
  house.server().send(backend::parse_complete + backend::bind_complete + backend::complete("SELECT 1"));
  house.run();
  CHECK(types(one.take()) == "12C");
  two.send(frontend::query("SELECT 2"));
  house.run();
  CHECK(house.asked().empty());
  one.send(frontend::sync);
  house.run();
  house.server().take();
  house.server().send(backend::ready());
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("portals and their row limits pass through [5.2-35] [5.2-54]") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string batch = frontend::parse("", "SELECT 1") + frontend::bind("p", "") +
                            frontend::describe('P', "p") + frontend::execute("p") +
                            frontend::close('P', "p") + frontend::sync;
  client.send(batch);
  house.run();
  CHECK(house.server().take() == batch);
  const std::string answers = backend::parse_complete + backend::bind_complete + backend::row_description +
                              backend::row("1") + wire::message('s', "") + backend::close_complete +
                              backend::ready();
  house.server().send(answers);
  house.run();
  CHECK(client.take() == answers);
}

TEST_CASE("a Bind with 65535 parameters, NULLs and many formats passes unchanged [5.2-58] [5.2-59]") {
  std::string body = "\0\0\0\2\0\0\0\1"s + "\xff\xff"s;
  for (int i = 0; i < 65535; ++i)
    body += i % 3 == 0 ? "\xff\xff\xff\xff"s : i % 3 == 1 ? "\0\0\0\0"s : "\0\0\0\1x"s;
  body += "\0\2\0\0\0\1"s;
  const std::string bind = wire::message('B', body);
  House house;
  test::FarEnd client = house.log_in();
  const std::string batch = frontend::parse("", "SELECT 1") + bind + frontend::execute() + frontend::sync;
  client.send(batch);
  house.run();
  CHECK(house.server().take() == batch);
}

TEST_CASE("a function call is answered and gives the server back [5.2-60]") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string call = wire::message('F', wire::int32(1) + "\0\0\0\0\0\0"s);
  client.send(call);
  house.run();
  CHECK(house.server().take() == call);
  const std::string answer =
      wire::message('V', wire::int32(100'000) + std::string(100'000, 'x')) + backend::ready();
  house.server().send(answer);
  house.run();
  CHECK(client.take() == answer);
  house.server().send(backend::audit({}));  // the function may have done anything
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

// COPY ------------------------------------------------------------------------------------------------------

TEST_CASE("COPY in flows and gives the server back at its end, at every cut of its data [5.3-63]") {
  const std::string flow =
      frontend::copy_data("1\tone\n") + frontend::copy_data("2\ttwo\n") + frontend::copy_done;
  wire::at_every_cut(flow.size(), [&](std::size_t offset, std::size_t piece) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(frontend::query("COPY t FROM STDIN"));
    house.run();
    house.server().take();
    house.server().send(backend::copy_in);
    house.run();
    CHECK(client.take() == backend::copy_in);
    client.send(flow.substr(0, offset));
    house.run();
    for (std::size_t at = offset; at < flow.size(); at += piece) {
      client.send(flow.substr(at, piece));
      house.run();
    }
    CHECK(house.server().take() == flow);
    house.server().send(backend::complete("COPY 2") + backend::ready());
    house.run();
    CHECK(types(client.take()) == "CZ");
    CHECK(house.pools->pools().begin()->second->idle_count() == 1);
  });
}

TEST_CASE(
    "data of a COPY that the server has ended goes to nobody, least of all to the next owner [5.3-65]") {
  House house;
  test::FarEnd client = house.log_in();
  test::FarEnd next = house.log_in();
  client.send(frontend::query("COPY t FROM STDIN"));
  house.run();
  house.server().send(backend::copy_in + backend::error("22P02", "invalid input") + backend::ready());
  house.run();
  house.server().take();
  next.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.asked() == "Q");
  client.send(frontend::copy_data("late") + frontend::copy_done);
  house.run();
  CHECK(house.asked().empty());
  client.send(frontend::query("SELECT 2"));
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(next.take() == backend::selected("1"));
  CHECK(house.asked() == "Q");
}

TEST_CASE("a server whose client is in the middle of a CopyData is not released at ReadyForQuery [5.3-66]") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string data = frontend::copy_data(std::string(1000, 'x'));
  client.send(frontend::query("COPY t FROM STDIN"));
  house.run();
  house.server().send(backend::copy_in);
  house.run();
  client.send(data.substr(0, 500));
  house.run();
  house.server().send(backend::error("22P02", "invalid input") + backend::ready());
  house.run();
  CHECK(house.pools->pools().begin()->second->idle_count() == 0);
  house.server().take();
  client.send(data.substr(500));
  house.run();
  CHECK((house.server().take() == data.substr(500)));
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

TEST_CASE("COPY by libpq's extended protocol, whose first Sync the COPY eats [5.3-64]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::parse("", "COPY t FROM STDIN") + frontend::bind("", "") + frontend::execute() +
              frontend::sync);
  house.run();
  house.server().send(backend::parse_complete + backend::bind_complete + backend::copy_in);
  house.run();
  client.send(frontend::copy_data("1\n") + frontend::copy_done + frontend::sync);
  house.run();
  house.server().send(backend::complete("COPY 1") + backend::ready());
  house.run();
  CHECK(types(client.take()) == "12GCZ");
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

TEST_CASE("COPY data without a COPY is thrown away, with a server at hand or without [5.3-65]") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string stray =
      frontend::copy_data("stray") + frontend::copy_done + wire::message('f', "reason\0"s);
  client.send(stray + frontend::query("BEGIN"));
  house.run();
  CHECK(house.server().take() == frontend::query("BEGIN"));
  house.server().send(in_transaction);
  house.run();
  client.send(stray + frontend::query("COMMIT"));
  house.run();
  CHECK(house.server().take() == frontend::query("COMMIT"));
}

TEST_CASE("a server of which it is not certain how many ReadyForQuery will come is not used again [5.3-66]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::parse("", "COPY t FROM STDIN") + frontend::bind("", "") + frontend::execute() +
              frontend::sync);
  house.run();
  // It may have failed before it had read the Sync, or behind it.
  house.server().send(backend::parse_complete + backend::bind_complete + backend::copy_in +
                      backend::error("22P02", "invalid input") + backend::ready());
  house.run();
  CHECK(types(client.take()) == "12GEZ");
  CHECK(house.server().is_gone());
  client.send(frontend::copy_done + frontend::query("SELECT 1"));
  house.run();
  CHECK(house.connect().take() == frontend::query("SELECT 1"));
}

// Failing without a server ----------------------------------------------------------------------------------

TEST_CASE("a query that gets no server is an error, and the client goes on [5.7-109]") {
  Settings settings;
  settings.query_wait_timeout = 5s;
  House house(settings);
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  holder.send(frontend::query("BEGIN"));
  house.run();
  client.send(frontend::query("SELECT 1") + frontend::query("SELECT 2"));
  house.run();
  house.pass(5s);
  const std::string answer = client.take();
  CHECK(types(answer) == "EZ");
  CHECK(error_in(answer).severity == Severity::error);
  CHECK(error_in(answer).sqlstate == "53300");
  CHECK(error_in(answer).message.find("query_wait_timeout") != std::string::npos);
  house.server().take();
  house.server().send(committed);
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("under overload a query is refused with 53300 and a hint, and the client goes on") {
  Settings settings;
  settings.queue_target = 1s;
  House house(settings);
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  holder.send(frontend::query("BEGIN"));
  house.run();
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.pass(1s);
  CHECK(client.take().empty());
  house.pass(1s);
  const std::string answer = client.take();
  CHECK(types(answer) == "EZ");
  CHECK(error_in(answer).severity == Severity::error);
  CHECK(error_in(answer).sqlstate == "53300");
  CHECK_FALSE(error_in(answer).hint.empty());
  house.server().take();
  house.server().send(committed);
  client.send(frontend::query("SELECT 2"));
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("who logs in with a high priority is served before who came first") {
  House house;
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  test::FarEnd urgent = house.log_in("options\0-c ballast.priority=high\0"s);
  holder.send(frontend::query("BEGIN"));
  house.run();
  client.send(frontend::query("SELECT 'normal'"));
  urgent.send(frontend::query("SELECT 'urgent'"));
  house.run();
  house.server().take();
  house.server().send(committed);
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 'urgent'"));
  house.server().send(committed);
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 'normal'"));
}

TEST_CASE("the rest of a long query that got no server is thrown away when it comes [5.7-109]") {
  Settings settings;
  settings.query_wait_timeout = 5s;
  const std::string query = frontend::query(std::string(70'000, 'x'));
  for (const std::size_t cut : {std::size_t{5}, std::size_t{6}, std::size_t{1500}, query.size() - 1}) {
    CAPTURE(cut);
    House house(settings);
    test::FarEnd holder = house.log_in();
    test::FarEnd client = house.log_in();
    holder.send(frontend::query("BEGIN"));
    house.run();
    client.send(query.substr(0, cut));
    house.run();
    house.pass(5s);
    CHECK(types(client.take()) == "EZ");
    house.server().take();
    client.send(query.substr(cut) + frontend::query("SELECT 2"));
    house.server().send(committed);
    house.run();
    CHECK(house.server().take() == frontend::query("SELECT 2"));
  }
}

TEST_CASE("a batch that gets no server is skipped to its Sync, and the client goes on [5.7-109]") {
  const std::string batch = frontend::parse("a", "SELECT 1") + frontend::bind("", "a") + frontend::execute() +
                            frontend::query("skipped too") + frontend::sync;
  for (std::size_t cut = frontend::parse("a", "SELECT 1").size() + 40; cut <= batch.size(); ++cut) {
    CAPTURE(cut);
    Settings settings;
    settings.query_wait_timeout = 5s;
    House house(settings);
    test::FarEnd holder = house.log_in();
    test::FarEnd client = house.log_in();
    holder.send(frontend::query("BEGIN"));
    house.run();
    client.send(batch.substr(0, cut));
    house.run();
    house.pass(5s);
    client.send(batch.substr(cut) + frontend::query("SELECT 2"));
    house.run();
    CHECK(types(client.take()) == "EZ");
    house.server().take();
    house.server().send(committed);
    house.run();
    CHECK(house.server().take() == frontend::query("SELECT 2"));
  }
}

TEST_CASE("a refused login of the server is a waiting query's error, not the client's end") {
  House house;
  test::FarEnd client = house.log_in();
  house.server().close();
  house.run();
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.fake.connector.accept().send(backend::error("28P01", "password authentication failed", "FATAL"));
  house.run();
  const std::string answer = client.take();
  CHECK(types(answer) == "EZ");
  CHECK(error_in(answer).severity == Severity::error);
  CHECK(error_in(answer).sqlstate == "28P01");
  CHECK_FALSE(client.is_gone());
}

TEST_CASE("a client that leaves while it waits leaves the queue [5.7-116]") {
  House house;
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  holder.send(frontend::query("BEGIN"));
  client.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.pools->pools().begin()->second->waiting_count() == 1);
  client.close();
  house.run();
  CHECK(client.is_gone());
  CHECK(house.pools->pools().begin()->second->waiting_count() == 0);
}

// What no client sends --------------------------------------------------------------------------------------

TEST_CASE("a message of unknown type or invalid length ends the client with 08P01 [5.8-129]") {
  for (const std::string& bad : {wire::message('?', ""), wire::message('p', "x"), "Q\0\0\0\3"s, "Q\0\0\0\0"s,
                                 "Q\x7f\xff\xff\xff"s, "Q\xff\xff\xff\xff"s}) {
    House house;
    test::FarEnd client = house.log_in();
    client.send(bad);
    house.run();
    CHECK(error_in(client.take()).sqlstate == "08P01");
    CHECK(client.is_gone());
    CHECK(house.asked().empty());
    CHECK_FALSE(house.server().is_gone());
  }
}

TEST_CASE("a message above max_packet_size ends the client and names the setting") {
  Settings settings;
  settings.max_packet_size = 1000;
  House house(settings);
  test::FarEnd client = house.log_in();
  client.send(frontend::query(std::string(990, 'x')));
  house.run();
  CHECK(house.asked() == "Q");
  house.server().send(backend::selected("1"));
  house.run();
  client.take();
  client.send(frontend::query(std::string(1000, 'x')).substr(0, 5));
  house.run();
  const PgError error = error_in(client.take());
  CHECK(error.sqlstate == "54000");
  CHECK(error.message.find("max_packet_size") != std::string::npos);
  CHECK(client.is_gone());
  CHECK(house.counters().client_packet_limits.value() == 1);
}

}  // namespace ballast
