// What the console has of clients: their figures, and those that go to it.
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "proxy/session/client_figures.hpp"

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::House;
using State = ClientFigures::State;

std::string startup(const std::string& database) {
  return wire::startup("user\0ann\0database\0"s + database + "\0application_name\0a test\0"s);
}

}  // namespace

TEST_CASE("whose database has the console's name goes there after the login, with what was said behind it") {
  for (const std::string name : {"ballast", "pgbouncer"}) {
    House house;
    std::optional<ConsoleClient> got;
    house.sessions->set_console([&got](ConsoleClient client) { got = std::move(client); });
    test::FarEnd client = house.arrive();
    client.send(startup(name) + frontend::query("SHOW POOLS"));
    house.run();
    REQUIRE(got);
    CHECK(got->startup.user == "ann");
    CHECK(got->inbox.kept() == frontend::query("SHOW POOLS"));
    CHECK(wire::types(got->outlet.buffer()) == "R");  // AuthenticationOk
    CHECK(got->id > 0);
    CHECK(!client.is_gone());
    CHECK(house.sessions->size() == 0);
    CHECK(house.clients == 0);
    CHECK(house.pools->pools().empty());
  }
}

TEST_CASE("where there is no console its names are those of databases") {
  House house;
  test::FarEnd client = house.arrive();
  client.send(startup("ballast"));
  house.run();
  CHECK(house.pools->pools().size() == 1);
}

TEST_CASE("a client's figures follow it through its life") {
  House house;
  test::FarEnd arriving = house.arrive();
  const auto figures = [&house] { return house.sessions->sessions().back()->figures(); };
  CHECK(figures().state == State::login);
  CHECK(figures().key.user.empty());
  arriving.close();
  house.run();

  test::FarEnd client = house.log_in("application_name\0a test\0"s);
  CHECK(figures().state == State::idle);
  CHECK(figures().key == PoolKey{"app", "ann"});
  CHECK(figures().application_name == "a test");
  CHECK(figures().server == 0);
  const TimePoint logged_in = figures().asked_at;

  house.pass(10s);
  client.send(frontend::query("BEGIN"));
  house.run();
  CHECK(figures().state == State::active);
  CHECK(figures().asked_at - logged_in == 10s);
  CHECK(figures().connected_at == logged_in);
  const auto servers = house.pools->pools().begin()->second->server_figures();
  REQUIRE(servers.size() == 1);
  CHECK(servers[0].id == figures().server);
  CHECK(servers[0].state == ServerFigures::State::active);
  CHECK(servers[0].process_id == 100);

  test::FarEnd other = house.knock("application_name\0a test\0"s);
  other.send(frontend::query("SELECT 1"));
  house.run();
  house.pass(3s);
  CHECK(figures().state == State::waiting);
  CHECK(figures().wait == 3s);
}

TEST_CASE("a server that rests for server_check_delay is told apart from the others that are idle") {
  Settings settings;
  settings.server_check_delay = 30s;
  House house(settings);
  test::FarEnd client = house.log_in();
  const auto state = [&house] { return house.pools->pools().begin()->second->server_figures().at(0).state; };
  CHECK(state() == ServerFigures::State::idle);
  house.pass(30s);
  CHECK(state() == ServerFigures::State::rested);
}

TEST_CASE("what a pool has served is remembered by its database when the pool has gone") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.server().send(backend::selected("1"));
  house.run();
  client.close();
  house.run();
  house.pools->close_all_idle();
  house.pass(1s);
  CHECK(house.pools->pools().empty());
  REQUIRE(house.pools->departed().contains("app"));
  CHECK(house.pools->departed().at("app").totals.queries == 1);
  CHECK(house.pools->departed().at("app").totals.transactions == 1);
}

}  // namespace ballast
