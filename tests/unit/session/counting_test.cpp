// What a pool counts of its clients' requests.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;
using test::House;

const std::string begin_batch = frontend::parse("", "BEGIN") + wire::message('B', "\0\0\0\0\0\0\0\0"s) +
                                frontend::execute() + frontend::sync;

}  // namespace

TEST_CASE("a query is counted with its bytes there and back") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string query = frontend::query("SELECT 1");
  const std::string answer = backend::selected("1");
  const PoolTotals before = PoolTotals::of(house.statistics());
  client.send(query.substr(0, 7));
  house.run();
  client.send(query.substr(7));
  house.run();
  house.server().send(answer);
  house.run();
  const PoolTotals after = PoolTotals::of(house.statistics());
  CHECK(after.queries - before.queries == 1);
  CHECK(after.transactions - before.transactions == 1);
  CHECK(after.server_assignments - before.server_assignments == 1);
  CHECK(after.bytes_received - before.bytes_received == query.size());
  CHECK(after.bytes_sent - before.bytes_sent == answer.size());
}

TEST_CASE("an error's bytes are counted as an answer's") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string answer = backend::error("42601", "syntax error") + backend::ready();
  client.send(frontend::query("nonsense"));
  house.run();
  const std::uint64_t before = house.statistics().bytes_sent.value();
  house.server().send(answer);
  house.run();
  CHECK(house.statistics().bytes_sent.value() - before == answer.size());
}

TEST_CASE("a prepared statement is parsed once by its client, once on each server, and bound for each use") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::parse("s", "SELECT $1") + frontend::sync);
  house.run();
  house.server().send(backend::parse_complete + backend::ready());
  house.run();
  for (int use = 0; use < 2; ++use) {
    client.send(frontend::bind("", "s") + frontend::execute() + frontend::sync);
    house.run();
    house.server().send(backend::bind_complete + backend::complete("SELECT 1") + backend::ready());
    house.run();
  }
  house.server().close();
  house.run();
  client.send(frontend::bind("", "s") + frontend::execute() + frontend::sync);
  house.run();
  house.connect();
  const PoolTotals totals = PoolTotals::of(house.statistics());
  CHECK(totals.client_parses == 1);
  CHECK(totals.server_parses == 2);
  CHECK(totals.binds == 3);
  CHECK(totals.queries == 3);
  CHECK(house.counters().statements_found.value() == 2);
  CHECK(house.counters().statements_prepared.value() == 1);
}

TEST_CASE("a BEGIN that no server hears of is a query all the same, and no transaction") {
  House house({}, Switch::on);
  test::FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN") + frontend::query("COMMIT"));
  house.run();
  client.send(begin_batch);
  house.run();
  const PoolTotals totals = PoolTotals::of(house.statistics());
  CHECK(totals.queries == 3);
  CHECK(totals.client_parses == 1);
  CHECK(totals.server_parses == 0);
  CHECK(totals.binds == 1);
  CHECK(totals.transactions == 0);
}

TEST_CASE("what is looked at twice, because it has to wait, is counted once") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  const PoolTotals before = PoolTotals::of(house.statistics());  // logins have been given servers, too
  one.send(frontend::query("SELECT 1"));
  two.send(frontend::query("SELECT 2"));
  house.run();
  house.server().send(backend::selected("1"));
  house.run();
  house.server().send(backend::selected("2"));
  house.run();
  const PoolTotals after = PoolTotals::of(house.statistics());
  CHECK(after.queries - before.queries == 2);
  CHECK(after.server_assignments - before.server_assignments == 2);
}

}  // namespace ballast
