// What an operator does to clients: kill, disable, suspend, and a drain during a pause.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using test::error_in;
using test::House;
using namespace std::chrono_literals;
using wire::types;

void check_told(test::FarEnd client, const std::string& code, const std::string& words) {
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == code);
  CHECK(error.message.find(words) != std::string::npos);
  CHECK(client.is_gone());
}

Gates suspended() {
  Gates gates;
  gates.is_suspended = true;
  return gates;
}

void obey(House& house, const Gates& gates) {
  house.pools->obey(gates);
  house.sessions->obey_gates();
  house.run();
}

}  // namespace

TEST_CASE("kill ends all clients of a database, whatever they do, and stops their queries [5.7-118]") {
  House house;
  test::FarEnd idle = house.log_in();
  test::FarEnd busy = house.log_in();
  test::FarEnd queued = house.log_in();
  busy.send(frontend::query("SELECT pg_sleep(1000)"));
  queued.send(frontend::query("SELECT 1"));
  house.run();
  house.sessions->kill("another");
  house.run();
  CHECK_FALSE(idle.is_gone());
  Gates gates;
  gates.paused.insert("app");
  house.pools->obey(gates);
  house.sessions->kill("app");
  house.run();
  check_told(idle, "57P01", "administrator command");
  check_told(busy, "57P01", "administrator command");
  check_told(queued, "57P01", "administrator command");
  CHECK(house.sessions->size() == 0);
  CHECK(house.counters().cancels_forwarded.value() == 0);  // it is no client's cancel
  CHECK(house.fake.connector.pending() == 1);              // and yet the query is cancelled
}

TEST_CASE("kill_client ends the one with that id, and knows when there is none") {
  House house;
  test::FarEnd one = house.log_in();
  test::FarEnd other = house.log_in();
  const std::uint64_t id = house.sessions->sessions().front()->id();
  CHECK(house.sessions->kill_client(id));
  house.run();
  check_told(one, "57P01", "administrator command");
  CHECK_FALSE(other.is_gone());
  CHECK_FALSE(house.sessions->kill_client(id));
}

TEST_CASE("a disabled database takes no new clients and keeps those that are there [5.7-118]") {
  House house;
  test::FarEnd there = house.log_in();
  Gates gates;
  gates.disabled.insert("app");
  obey(house, gates);
  test::FarEnd late = house.knock();
  check_told(late, "55000", "database \"app\" is disabled");
  there.send(frontend::query("SELECT 1"));
  house.run();
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(types(there.take()) == "TDCZ");
  obey(house, {});
  house.log_in();
}

TEST_CASE("suspend lets what is under way finish, and reads nobody until resume [5.7-118]") {
  House house;
  test::FarEnd busy = house.log_in();
  test::FarEnd idle = house.log_in();
  busy.send(frontend::query("SELECT 1"));
  house.run();
  obey(house, suspended());
  CHECK(house.sessions->busy_count() == 1);
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(types(busy.take()) == "TDCZ");
  CHECK(house.sessions->busy_count() == 0);
  house.server().take();
  busy.send(frontend::query("SELECT 2"));
  idle.send(frontend::query("SELECT 3"));
  house.run();
  CHECK(house.asked().empty());
  CHECK(house.sessions->busy_count() == 0);
  obey(house, {});
  house.server().send(backend::selected("2"));
  house.run();
  house.server().send(backend::selected("3"));
  house.run();
  CHECK(types(busy.take()) == "TDCZ");
  CHECK(types(idle.take()) == "TDCZ");
}

TEST_CASE("no client is ended for its silence while it is suspended") {
  Settings settings;
  settings.client_idle_timeout = 10s;
  House house(settings);
  const test::FarEnd client = house.log_in();
  obey(house, suspended());
  house.pass(11s);
  CHECK_FALSE(client.is_gone());
}

TEST_CASE("a drain does not let clients wait for a paused database [5.7-118]") {
  House house;
  test::FarEnd waiting = house.log_in();
  Gates gates;
  gates.are_all_paused = true;
  obey(house, gates);
  waiting.send(frontend::query("SELECT 1"));
  house.run();
  CHECK_FALSE(waiting.is_gone());
  house.sessions->drain();
  house.run();
  check_told(waiting, "57P01", "administrator command");
  CHECK(house.sessions->is_empty());
}

}  // namespace ballast
