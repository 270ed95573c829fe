#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "proxy/pool/pool.hpp"

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

Gates paused(const std::string& database = {}) {
  Gates gates;
  if (database.empty()) {
    gates.are_all_paused = true;
  } else {
    gates.paused.insert(database);
  }
  return gates;
}

Settings filled_up_to(int servers) {
  Settings settings = with_size(servers);
  settings.min_pool_size = servers;
  return settings;
}

}  // namespace

// Pause ---------------------------------------------------------------------------------------------------

TEST_CASE("a paused pool closes idle servers at once and others when they come back [5.7-118]") {
  House house;
  Client one, other;
  one.ask(house.pool());
  other.ask(house.pool());
  test::FarEnd first = house.connect();
  const test::FarEnd second = house.connect();
  other.give_back(house.pool());
  house.pools->obey(paused());
  house.fake.run();
  CHECK(second.is_gone());
  CHECK_FALSE(first.is_gone());
  CHECK(house.broker.servers_of_database("app") == 1);
  one.give_back(house.pool());
  house.fake.run();
  CHECK(first.is_gone());
  CHECK(first.take().back() == '\4');  // Terminate
  CHECK(house.broker.servers_of_database("app") == 0);
  CHECK(house.broker.servers_of_database("") == 0);
}

TEST_CASE("who waits for a paused pool is served after resume, first come first [5.7-118]") {
  House house(with_size(1));
  house.pools->obey(paused());
  Client first, second;
  first.ask(house.pool());
  second.ask(house.pool());
  house.pass(1s);
  CHECK(house.connecting() == 0);
  house.pools->obey({});
  house.connect();
  CHECK(first.has_server());
  first.give_back(house.pool());
  CHECK(second.has_server());
}

TEST_CASE("a connect that is under way is given up by a pause, and its place is free [5.7-118]") {
  House house(with_size(1));
  Client client;
  client.ask(house.pool());
  CHECK(house.connecting() == 1);
  house.pools->obey(paused());
  CHECK(house.connecting() == 0);
  CHECK(house.broker.servers(app_ann) == 0);
  CHECK(house.broker.upstream().census().connecting == 0);
  house.pools->obey({});
  house.connect();
  CHECK(client.has_server());
}

TEST_CASE("only the named database is paused, with pools that are made later [5.7-118]") {
  House house;
  house.pools->obey(paused("app"));
  Client paused_one, other;
  paused_one.ask(house.pool(app_bob));
  CHECK(house.connecting() == 0);
  other.ask(house.pool(shop_ann));
  house.connect();
  CHECK(other.has_server());
  CHECK(paused_one.is_waiting());
}

TEST_CASE("nothing else makes a server for a paused pool: min_pool_size, a login, keepalive") {
  House house(filled_up_to(2));
  Pool& pool = house.pool();
  house.pools->obey(paused());
  pool.connect_ahead();
  CHECK_FALSE(pool.connect_for_keepalive());
  house.pass(1s);
  CHECK(house.connecting() == 0);
  house.pools->obey({});
  house.pass(1s);
  CHECK(house.connecting() == 2);
}

TEST_CASE("query_wait_timeout is in force during a pause, and says that it is one [5.7-118]") {
  Settings settings;
  settings.query_wait_timeout = 5s;
  House house(settings);
  house.pools->obey(paused());
  Client client;
  client.ask(house.pool());
  house.pass(5s);
  CHECK(client.refused.sqlstate == sqlstate::too_many_connections);
  CHECK(client.refused.detail == "The database is paused.");
}

TEST_CASE("a wait for resume is no overload, and a database that is down is not told of meanwhile") {
  Settings settings;
  settings.queue_target = 10ms;
  House house(settings);
  house.pools->obey(paused());
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  CHECK(client.refusals == 0);
  CHECK(house.counters().overloads.value() == 0);
}

TEST_CASE("a server that comes from another worker is closed by a paused pool") {
  House house;
  PoolSet others{house.fake.world, house.broker, std::make_shared<const Settings>(house.settings),
                 house.users()};
  Client here;
  here.ask(house.pool());
  const test::FarEnd far = house.connect();
  ServerConnection& server = *std::exchange(here.server, nullptr);
  server.unlease();
  others.obey(paused());
  house.broker.send(others.worker(), app_ann, server.move_out(), {});
  house.fake.run();
  CHECK(far.is_gone());
}

TEST_CASE("the listening connection ends with a pause and comes back after it, and its listeners know") {
  struct Ear final : Subscriber {
    void on_listening() override { events += 'l'; }
    void on_shared_notification(std::string_view) override {}
    void on_shared_mark(std::uint64_t) override {}
    void on_notifications_end() override {}
    void on_deaf() override { events += 'd'; }
    std::string events;
  };
  House house;
  Notifications& notifications = house.pools->notifications(app_ann, "");
  Ear ear;
  notifications.subscribe(ear, {"news"});
  test::FarEnd far = house.connect();
  far.send(backend::complete("LISTEN") + backend::ready());
  house.fake.run();
  CHECK(ear.events == "l");
  house.pools->obey(paused("app"));
  house.fake.run();
  CHECK(far.is_gone());
  CHECK(ear.events == "ld");
  house.pass(10s);
  CHECK(house.connecting() == 0);
  CHECK(house.broker.servers_of_database("app") == 0);
  house.pools->obey({});
  far = house.connect();
  far.send(backend::complete("LISTEN") + backend::ready());
  house.fake.run();
  CHECK(ear.events == "ldl");
}

// Reconnect -----------------------------------------------------------------------------------------------

TEST_CASE("reconnect replaces each server when it is free, and what logs in meanwhile too [5.7-118]") {
  House house;
  Client busy, idle, late;
  busy.ask(house.pool());
  idle.ask(house.pool());
  const test::FarEnd busy_far = house.connect();
  const test::FarEnd idle_far = house.connect();
  idle.give_back(house.pool());
  late.ask(house.pool());
  late.give_back(house.pool());
  Client bob;
  bob.ask(house.pool(app_bob));  // whose login is under way
  house.pools->reconnect("app");
  house.fake.run();
  CHECK(idle_far.is_gone());
  CHECK_FALSE(busy_far.is_gone());
  CHECK(house.pools->closing_count("app") == 2);
  CHECK(house.pools->closing_count("shop") == 0);
  const test::FarEnd old_login = house.connect();
  CHECK(old_login.is_gone());
  CHECK(house.pools->closing_count("") == 1);
  CHECK(house.connecting() == 1);
  const test::FarEnd fresh = house.connect();
  CHECK_FALSE(fresh.is_gone());
  CHECK(bob.has_server());
  house.pools->reconnect("shop");
  house.fake.run();
  CHECK_FALSE(fresh.is_gone());
}

TEST_CASE("wait_close ends when the last server of before has come back [5.7-118]") {
  House house;
  Client client;
  client.ask(house.pool());
  const test::FarEnd far = house.connect();
  house.pools->reconnect("");
  CHECK(house.pools->closing_count("app") == 1);
  client.give_back(house.pool());
  house.fake.run();
  CHECK(far.is_gone());
  CHECK(house.pools->closing_count("app") == 0);
}

// Reload --------------------------------------------------------------------------------------------------

TEST_CASE("a reload keeps servers, unless they lead elsewhere or their user logs in otherwise [5.7-120]") {
  House house;
  Client ann, bob;
  ann.ask(house.pool());
  const test::FarEnd anns = house.connect();
  bob.ask(house.pool(app_bob));
  const test::FarEnd bobs = house.connect();
  ann.give_back(house.pool());
  bob.give_back(house.pool(app_bob));
  const auto reload = [&] {
    house.pools->configure(std::make_shared<const Settings>(house.settings), house.users());
    house.fake.run();
  };
  house.settings.default_pool_size = 3;
  reload();
  CHECK_FALSE(anns.is_gone());
  house.settings.upstream.password = "crayon";
  reload();
  CHECK(anns.is_gone());
  CHECK_FALSE(bobs.is_gone());
  house.settings.upstream.hosts.push_back({"elsewhere", "", 5432});
  reload();
  CHECK(bobs.is_gone());
}

TEST_CASE("a login with a password of before a reload that fails is nobody's failure [5.7-120]") {
  House house;
  Client client;
  client.ask(house.pool());
  house.settings.upstream.password = "crayon";
  house.pools->configure(std::make_shared<const Settings>(house.settings), house.users());
  house.refuse_login("28P01", "password authentication failed for user \"ann\"");
  CHECK(client.refusals == 0);
  CHECK(house.connecting() == 1);
  house.connect();
  CHECK(client.has_server());
}

TEST_CASE("while other servers of the pool are there, a rejected password is told to nobody") {
  House house;
  Client working, waiting;
  working.ask(house.pool());
  house.connect();
  waiting.ask(house.pool());
  house.refuse_login("28P01", "password authentication failed for user \"ann\"");
  CHECK(waiting.refusals == 0);
  working.give_back(house.pool());
  CHECK(waiting.has_server());
}

// Leaving -------------------------------------------------------------------------------------------------

TEST_CASE("a process that leaves gives up servers that nobody uses, and fills no pool") {
  Settings settings = filled_up_to(1);
  House house(settings);
  Client first, second;
  first.ask(house.pool());
  const test::FarEnd far = house.connect();
  second.ask(house.pool());
  Gates gates;
  gates.is_leaving = true;
  house.pools->obey(gates);
  first.give_back(house.pool());
  CHECK(second.has_server());
  second.give_back(house.pool());
  house.pass(1s);
  CHECK(far.is_gone());
  house.pass(1s);
  CHECK(house.connecting() == 0);
}

}  // namespace ballast
