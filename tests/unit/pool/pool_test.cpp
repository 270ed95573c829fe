#include "proxy/pool/pool.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using wire::message;

// A simple query and its answer, so that the server ends in that status.
void run_query(House& house, Client& client, test::FarEnd& far, char status) {
  client.server->expect({.kind = RequestKind::query});
  far.send(backend::complete("BEGIN") + backend::ready(status));
  house.fake.run();
}

}  // namespace

// The queue -------------------------------------------------------------------------------------------------

TEST_CASE("the first client makes a server be connected, and gets it") {
  House house;
  Client client;
  client.ask(house.pool());
  CHECK(house.connecting() == 1);
  CHECK(client.is_waiting());
  CHECK_FALSE(client.has_server());
  house.connect();
  CHECK(client.has_server());
  CHECK_FALSE(client.is_waiting());
  CHECK(house.pool().server_count() == 1);
  CHECK(house.counters().servers_connected.value() == 1);
}

TEST_CASE("a server that comes back is the next client's, without a new connection") {
  House house;
  Client first;
  first.ask(house.pool());
  house.connect();
  ServerConnection* const server = first.server;
  first.give_back(house.pool());
  CHECK(house.pool().idle_count() == 1);
  Client second;
  second.ask(house.pool());
  CHECK(second.server == server);
  CHECK(house.connecting() == 0);
}

TEST_CASE("waiters are served in the order in which they came") {
  House house(with_size(1));
  Client holder;
  holder.ask(house.pool());
  house.connect();
  std::vector<Client> waiters(3);
  for (Client& waiter : waiters) waiter.ask(house.pool());
  CHECK(house.pool().waiting_count() == 3);
  Client* owner = &holder;
  for (Client& waiter : waiters) {
    owner->give_back(house.pool());
    CHECK(waiter.grants == 1);
    owner = &waiter;
  }
  CHECK(house.pool().waiting_count() == 0);
}

TEST_CASE("a new client does not pass those who wait") {
  House house(with_size(1));
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client waiter;
  Client late;
  waiter.ask(house.pool());
  late.ask(house.pool());
  holder.give_back(house.pool());
  CHECK(waiter.has_server());
  CHECK_FALSE(late.has_server());
}

TEST_CASE("the server used last is used first") {
  House house;
  Client one;
  Client two;
  one.ask(house.pool());
  two.ask(house.pool());
  house.connect();
  house.connect();
  ServerConnection* const last = two.server;
  one.give_back(house.pool());
  two.give_back(house.pool());
  Client next;
  next.ask(house.pool());
  CHECK(next.server == last);
}

TEST_CASE("a waiter that leaves is not served; the next one is, and nothing is lost [5.7-115] [5.7-116]") {
  House house(with_size(1));
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client stays;
  {
    Client leaves;
    leaves.ask(house.pool());
    stays.ask(house.pool());
    CHECK(house.pool().waiting_count() == 2);
  }
  CHECK(house.pool().waiting_count() == 1);
  holder.give_back(house.pool());
  CHECK(stays.has_server());
  CHECK(house.broker.servers(app_ann) == 1);
}

TEST_CASE("a server that comes when its waiter has gone becomes idle") {
  House house;
  {
    Client client;
    client.ask(house.pool());
  }
  house.connect();
  CHECK(house.pool().idle_count() == 1);
}

// Growth and limits -----------------------------------------------------------------------------------------

TEST_CASE("as many connects as waiters, and no more than the pool's size") {
  House house(with_size(3));
  std::vector<Client> clients(5);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].ask(house.pool());
    CHECK(house.connecting() == std::min<std::size_t>(i + 1, 3));
  }
  for (int i = 0; i < 3; ++i) house.connect();
  CHECK(house.connecting() == 0);
  CHECK(house.pool().server_count() == 3);
  CHECK(house.pool().waiting_count() == 2);
}

TEST_CASE("who has to wait because the pool is full is counted, once") {
  House house(with_size(1));
  std::vector<Client> clients(3);
  for (Client& client : clients) client.ask(house.pool());
  CHECK(house.counters().refused_pool_size.value() == 2);  // the first has a server in the making
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  house.connect();
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  CHECK(house.counters().refused_pool_size.value() == 2);
}

TEST_CASE("at most max_server_connecting logins at once, over all pools; the others follow [5.6-106]") {
  Settings settings;
  settings.max_server_connecting = 2;
  House house(settings);
  std::vector<Client> anns(3);
  std::vector<Client> bobs(2);
  for (Client& client : anns) client.ask(house.pool(app_ann));
  for (Client& client : bobs) client.ask(house.pool(app_bob));
  CHECK(house.connecting() == 2);
  for (int i = 0; i < 5; ++i) {
    house.connect();
    house.pass(100ms);
    CHECK(house.connecting() <= 2);
  }
  for (const Client& client : anns) CHECK(client.has_server());
  for (const Client& client : bobs) CHECK(client.has_server());
}

TEST_CASE(
    "the reserve opens when the first waiter has waited for reserve_pool_timeout, not before [5.7-112]") {
  Settings settings = with_size(1);
  settings.reserve_pool_size = 1;
  settings.reserve_pool_timeout = 5s;
  House house(settings);
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client first;
  Client second;
  first.ask(house.pool());
  second.ask(house.pool());
  house.pass(4999ms);
  CHECK(house.connecting() == 0);
  house.pass(1ms);
  CHECK(house.connecting() == 1);
  house.connect();
  CHECK(first.has_server());
  CHECK_FALSE(second.has_server());
  house.pass(10s);
  CHECK(house.connecting() == 0);
  CHECK(house.counters().reserve_used.value() == 1);
}

TEST_CASE(
    "max_db_connections is shared by the pools of a database, and an idle server of another gives way") {
  Settings settings;
  settings.max_db_connections = 1;
  House house(settings);
  Client ann;
  ann.ask(house.pool(app_ann));
  test::FarEnd server = house.connect();
  Client bob;
  bob.ask(house.pool(app_bob));
  CHECK(house.connecting() == 0);  // Ann is using it
  CHECK(house.counters().refused_db_connections.value() == 1);
  ann.give_back(house.pool(app_ann));
  house.fake.run();
  CHECK(server.is_gone());
  CHECK(server.take() == message('X', ""));
  REQUIRE(house.connecting() == 1);
  house.connect();
  CHECK(bob.has_server());
  CHECK(house.broker.servers(app_ann) == 0);
  CHECK(house.broker.servers(app_bob) == 1);
}

TEST_CASE("max_user_connections is shared by the pools of a user") {
  Settings settings;
  settings.max_user_connections = 1;
  House house(settings);
  Client in_app;
  in_app.ask(house.pool(app_ann));
  test::FarEnd server = house.connect();
  in_app.give_back(house.pool(app_ann));
  Client in_shop;
  in_shop.ask(house.pool(shop_ann));
  house.fake.run();
  CHECK(server.is_gone());
  house.connect();
  CHECK(in_shop.has_server());
  Client again;
  again.ask(house.pool(app_ann));
  CHECK(house.connecting() == 0);
  CHECK(house.counters().refused_user_connections.value() == 1);
}

TEST_CASE("another database's idle server stays where max_db_connections is reached") {
  Settings settings;
  settings.max_db_connections = 1;
  House house(settings);
  Client elsewhere;
  elsewhere.ask(house.pool(shop_ann));
  test::FarEnd other = house.connect();
  elsewhere.give_back(house.pool(shop_ann));
  Client ann;
  Client bob;
  ann.ask(house.pool(app_ann));
  house.connect();
  bob.ask(house.pool(app_bob));
  house.pass(1s);
  CHECK_FALSE(other.is_gone());
  CHECK_FALSE(bob.has_server());
}

TEST_CASE("a failed connect gives its place back [5.7-114]") {
  Settings settings;
  settings.max_db_connections = 1;
  settings.server_login_retry = 1s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 5; ++i) {
    REQUIRE(house.connecting() == 1);
    CHECK(house.broker.servers(app_ann) == 1);
    house.fake.connector.refuse("Connection refused");
    CHECK(house.broker.servers(app_ann) == 0);
    house.pass(1s);
  }
  house.connect();
  CHECK(client.has_server());
  CHECK(house.counters().server_connect_failures.value() == 5);
}

TEST_CASE("min_pool_size is kept filled once the pool is in use") {
  Settings settings;
  settings.min_pool_size = 3;
  House house(settings);
  house.pool();
  house.pass(100ms);
  CHECK(house.connecting() == 3);
  for (int i = 0; i < 3; ++i) house.connect();
  CHECK(house.pool().idle_count() == 3);
  house.pass(100ms);
  CHECK(house.connecting() == 0);
}

TEST_CASE("min_pool_size is not ended by server_idle_timeout [5.7-113]") {
  Settings settings;
  settings.min_pool_size = 1;
  settings.server_idle_timeout = 10s;
  House house(settings);
  std::vector<Client> clients(2);
  for (Client& client : clients) client.ask(house.pool());
  house.connect();
  house.connect();
  for (Client& client : clients) client.give_back(house.pool());
  for (int i = 0; i < 50; ++i) house.pass(1s);
  CHECK(house.pool().server_count() == 1);
  CHECK(house.fake.connector.attempts == 2);
}

TEST_CASE(
    "two pools that want their min_pool_size under one max_db_connections do not rob each other [5.7-113]") {
  Settings settings;
  settings.min_pool_size = 1;
  settings.max_db_connections = 1;
  House house(settings);
  house.pool(app_ann);
  house.pool(app_bob);
  for (int i = 0; i < 20; ++i) {
    house.pass(100ms);
    while (house.connecting() > 0) house.connect();
  }
  CHECK(house.fake.connector.attempts == 1);
}

// Time ------------------------------------------------------------------------------------------------------

TEST_CASE("query_wait_timeout refuses with its name, the limit in the way and a hint") {
  Settings settings = with_size(1);
  settings.query_wait_timeout = 2500ms;
  House house(settings);
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client early;
  Client late;
  early.ask(house.pool());
  house.fake.loop.advance(1s);
  late.ask(house.pool());
  house.pass(1499ms);
  CHECK(early.refusals == 0);
  house.pass(1ms);
  REQUIRE(early.refusals == 1);
  CHECK(late.refusals == 0);
  CHECK(early.refused.sqlstate == "53300");
  CHECK(early.refused.message == "no server connection within query_wait_timeout (2.500 s)");
  CHECK(early.refused.detail.find("default_pool_size") != std::string::npos);
  CHECK_FALSE(early.refused.hint.empty());
  CHECK(house.counters().query_wait_timeouts.value() == 1);
  holder.give_back(house.pool());  // never to the one who was told no [5.7-110]
  CHECK(late.has_server());
  CHECK(early.grants == 0);
}

TEST_CASE("query_wait_timeout names the shared limit when that is in the way") {
  Settings settings;
  settings.max_db_connections = 1;
  settings.query_wait_timeout = 1s;
  House house(settings);
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  Client bob;
  bob.ask(house.pool(app_bob));
  house.pass(1s);
  CHECK(bob.refused.detail.find("max_db_connections (1)") != std::string::npos);
}

TEST_CASE("query_wait_timeout while the server can't be reached says why it can't") {
  Settings settings;
  settings.query_wait_timeout = 3s;
  settings.server_login_retry = 1s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 3; ++i) {
    house.fake.connector.refuse("connect to 10.0.0.1:5432: Connection refused");
    house.pass(1s);
  }
  REQUIRE(client.refusals == 1);
  CHECK(client.refused.sqlstate == "08001");
  CHECK(client.refused.detail == "connect to 10.0.0.1:5432: Connection refused");
}

TEST_CASE("query_wait_timeout 0 waits for ever") {
  Settings settings = with_size(1);
  settings.query_wait_timeout = 0ms;
  House house(settings);
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client waiter;
  waiter.ask(house.pool());
  house.pass(1000h);
  CHECK(waiter.refusals == 0);
}

TEST_CASE("a login that is refused for good is told to all waiters at once [5.6-101]") {
  for (const std::string code : {"28P01", "28000", "3D000", "42501"}) {
    CAPTURE(code);
    House house;
    std::vector<Client> clients(3);
    for (Client& client : clients) client.ask(house.pool());
    house.refuse_login(code, "no");
    for (const Client& client : clients) {
      REQUIRE(client.refusals == 1);
      CHECK(client.refused.sqlstate == code);
      CHECK(client.refused.message == "no");
    }
  }
}

TEST_CASE("a login that is refused for a while is waited for [5.6-101]") {
  for (const std::string code : {"57P03", "53300", "57P01"}) {
    CAPTURE(code);
    House house;
    Client client;
    client.ask(house.pool());
    house.refuse_login(code, "not now");
    CHECK(client.refusals == 0);
    house.pass(1s);
    house.connect();
    CHECK(client.has_server());
  }
}

TEST_CASE("after a login that is refused for good its pool pauses for server_login_retry [5.6-108]") {
  Settings settings;
  settings.server_login_retry = 5s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  house.refuse_login("28P01", "password authentication failed");
  CHECK(house.connecting() == 0);
  Client other;
  other.ask(house.pool());
  CHECK(house.connecting() == 0);
  for (int i = 0; i < 49; ++i) house.pass(100ms);
  CHECK(house.connecting() == 0);
  house.pass(100ms);
  CHECK(house.connecting() == 1);
}

TEST_CASE("pauses between connects that fail grow from 100 ms up to server_login_retry [5.6-108]") {
  Settings settings;
  settings.server_login_retry = 2s;
  settings.server_down_timeout = 0ms;
  House house(settings);
  Client client;
  client.ask(house.pool());
  int attempts = 0;
  for (int i = 0; i < 1000; ++i) {  // 100 s
    if (house.connecting() > 0) {
      ++attempts;
      house.fake.connector.refuse("Connection refused");
    }
    house.pass(100ms);
  }
  CHECK(attempts >= 50);
  CHECK(attempts <= 75);  // a quarter of each pause is jitter
  CHECK(client.refusals == 0);
}

TEST_CASE("a server that nobody is connected to is tried by one connect; others follow it") {
  House house;
  house.broker.upstream().disconnected(Upstream::End::slept);
  std::array<Client, 3> clients;
  for (Client& client : clients) client.ask(house.pool());
  Client bob;
  bob.ask(house.pool(app_bob));
  CHECK(house.connecting() == 1);
  CHECK(house.broker.upstream().state() == Upstream::State::waking);
  house.connect();
  CHECK(clients[0].has_server());
  CHECK(house.connecting() == 3);
}

TEST_CASE("while nobody is let in all who wait are told why, and who asks next after half a minute tries") {
  House house;
  house.broker.upstream().disconnected(Upstream::End::slept);
  Client ann;
  Client bob;
  ann.ask(house.pool());
  bob.ask(house.pool(app_bob));
  house.refuse_login("XX000", "The endpoint has been disabled. Enable it using Neon API and retry.");
  CHECK(ann.refusals == 1);
  house.pass(100ms);
  CHECK(bob.refusals == 1);
  CHECK(bob.refused.message == "The endpoint has been disabled. Enable it using Neon API and retry.");
  ann.ask(house.pool());
  house.pass(100ms);
  CHECK(ann.refusals == 2);
  CHECK(house.counters().refused_hopeless.value() == 2);
  house.pass(30s);
  ann.ask(house.pool());
  CHECK(house.connecting() == 1);
  house.pass(100ms);
  CHECK(ann.refusals == 2);
  house.connect();
  CHECK(ann.has_server());
}

TEST_CASE("when the server has been down for server_down_timeout clients are told at once") {
  Settings settings;
  settings.server_down_timeout = 3s;
  settings.server_login_retry = 1s;
  House house(settings);
  house.broker.upstream().disconnected(Upstream::End::slept);
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 100 && client.refusals == 0; ++i) {
    while (house.connecting() > 0) house.fake.connector.refuse("Connection refused");
    house.pass(100ms);
  }
  CHECK(house.counters().refused_hopeless.value() == 1);
  REQUIRE(client.refusals == 1);
  CHECK(client.refused.sqlstate == "08001");
  CHECK(client.refused.detail == "Connection refused");
}

TEST_CASE("a server that sleeps is not woken to fill a pool up to min_pool_size") {
  Settings settings;
  settings.min_pool_size = 2;
  House house(settings);
  house.pool();
  house.broker.upstream().disconnected(Upstream::End::slept);
  house.pass(100ms);
  CHECK(house.connecting() == 0);
  Client client;
  client.ask(house.pool());
  house.connect();
  house.pass(100ms);
  CHECK(house.connecting() == 1);
}

TEST_CASE("a server of a database that may sleep is replaced when it has worn out once somebody asks") {
  Settings settings;
  settings.min_pool_size = 1;
  settings.scale_to_zero = ScaleToZero::on;
  settings.server_lifetime = 10s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  house.connect();
  client.give_back(house.pool());
  house.pass(10s);
  CHECK(house.pool().server_count() == 0);
  house.pass(1s);
  CHECK(house.connecting() == 0);
  client.ask(house.pool());
  CHECK(house.connecting() == 1);
}

TEST_CASE("a connect that takes too long is given up and counted [5.6-102]") {
  Settings settings;
  settings.server_connect_timeout = 15s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  CHECK(house.fake.connector.oldest().deadline == house.fake.loop.now() + 15s);
  house.pass(14999ms);
  CHECK(house.connecting() == 1);
  house.pass(1ms);
  CHECK(house.connecting() == 0);
  CHECK(house.counters().server_connect_timeouts.value() == 1);
  CHECK(house.broker.servers(app_ann) == 0);
}

TEST_CASE("the URL's connect_timeout wins if it is shorter") {
  Settings settings;
  settings.upstream.connect_timeout = std::chrono::seconds(3);
  House house(settings);
  Client client;
  client.ask(house.pool());
  CHECK(house.fake.connector.oldest().deadline == house.fake.loop.now() + 3s);
}

TEST_CASE("an idle server ends at server_idle_timeout, one in use does not") {
  Settings settings;
  settings.server_idle_timeout = 60s;
  House house(settings);
  Client user;
  Client leaver;
  user.ask(house.pool());
  leaver.ask(house.pool());
  house.connect();
  test::FarEnd idle = house.connect();
  leaver.give_back(house.pool());
  house.pass(59s);
  CHECK_FALSE(idle.is_gone());
  house.pass(1s);
  CHECK(idle.is_gone());
  CHECK(idle.take() == message('X', ""));
  CHECK(user.has_server());
  CHECK(house.counters().server_idle_timeouts.value() == 1);
}

TEST_CASE("a server ends at server_lifetime, but not under its client [5.6-105]") {
  Settings settings;
  settings.server_lifetime = 1000s;
  settings.server_idle_timeout = 0s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  house.pass(1001s);
  CHECK(client.has_server());
  CHECK_FALSE(far.is_gone());
  client.give_back(house.pool());
  house.fake.run();
  CHECK(far.is_gone());
}

TEST_CASE("lifetimes are spread over their last tenth, so that they do not end together [5.6-105]") {
  Settings settings;
  settings.server_lifetime = 1000s;
  House house(settings);
  const TimePoint now = house.fake.loop.now();
  std::vector<TimePoint> ends;
  for (int i = 0; i < 20; ++i) ends.push_back(house.pools->expiry(now));
  for (const TimePoint end : ends) {
    CHECK(end <= now + 1000s);
    CHECK(end > now + 900s);
  }
  std::sort(ends.begin(), ends.end());
  CHECK(std::unique(ends.begin(), ends.end()) - ends.begin() > 10);
}

TEST_CASE("servers born before their role's defaults changed end, but not under their clients") {
  House house;
  Client holder;
  Client other;
  Client late;
  holder.ask(house.pool());
  test::FarEnd held = house.connect();
  other.ask(house.pool());
  test::FarEnd idle = house.connect();
  other.give_back(house.pool());
  late.ask(house.pool({"app", "bob"}));  // the login is under way
  house.broker.defaults_changed();
  other.ask(house.pool());
  CHECK_FALSE(other.has_server());
  house.fake.run();
  CHECK(idle.is_gone());
  CHECK_FALSE(held.is_gone());
  test::FarEnd late_server = house.connect();
  CHECK(late_server.is_gone());
  test::FarEnd fresh = house.connect();
  CHECK(other.has_server());
  other.give_back(house.pool());
  holder.give_back(house.pool());
  house.fake.run();
  CHECK(held.is_gone());
  CHECK_FALSE(fresh.is_gone());
}

TEST_CASE("server_lifetime 0 and server_idle_timeout 0 are no limits [5.6-105]") {
  Settings settings;
  settings.server_lifetime = 0s;
  settings.server_idle_timeout = 0s;
  House house(settings);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.give_back(house.pool());
  house.pass(10000h);
  CHECK_FALSE(far.is_gone());
}

// Giving back -----------------------------------------------------------------------------------------------

TEST_CASE("a server that comes back in a transaction is rolled back before anybody gets it") {
  for (const char status : {'T', 'E'}) {
    House house(with_size(1));
    Client client;
    client.ask(house.pool());
    test::FarEnd far = house.connect();
    run_query(house, client, far, status);
    client.give_back(house.pool());
    CHECK(far.take() == message('Q', "ROLLBACK\0"s));
    Client next;
    next.ask(house.pool());
    CHECK_FALSE(next.has_server());
    far.send(backend::complete("ROLLBACK") + backend::ready());
    house.fake.run();
    CHECK(next.has_server());
    CHECK(house.fake.connector.attempts == 1);
  }
}

TEST_CASE("a rollback that fails, or never ends, closes the server") {
  Settings settings = with_size(1);
  settings.server_connect_timeout = 15s;
  House failing(settings);
  Client client;
  client.ask(failing.pool());
  test::FarEnd far = failing.connect();
  run_query(failing, client, far, 'T');
  client.give_back(failing.pool());
  far.send(backend::error("XX000", "no") + backend::ready());
  failing.fake.run();
  CHECK(far.is_gone());
  CHECK(failing.broker.servers(app_ann) == 0);

  House silent(settings);
  Client other;
  other.ask(silent.pool());
  far = silent.connect();
  run_query(silent, other, far, 'T');
  other.give_back(silent.pool());
  silent.pass(15s);
  CHECK(far.is_gone());
}

TEST_CASE("a server in the middle of a request is not given to another [5.3-66]") {
  House house(with_size(1));
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.server->expect({.kind = RequestKind::query});
  client.give_back(house.pool());
  house.fake.run();
  CHECK(far.is_gone());
  CHECK(house.pool().server_count() == 0);
}

TEST_CASE("a discarded server is closed, and a waiter gets a new one") {
  House house(with_size(1));
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  Client waiter;
  waiter.ask(house.pool());
  house.pool().discard(*std::exchange(client.server, nullptr));
  house.fake.run();
  CHECK(far.is_gone());
  house.connect();
  CHECK(waiter.has_server());
}

TEST_CASE("session pooling resets a used server before the next client has it") {
  Settings settings = with_size(1);
  settings.pool_mode = PoolMode::session;
  House house(settings);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.give_back(house.pool());
  CHECK(far.take() == message('Q', "DISCARD ALL\0"s));
  CHECK(house.pool().idle_count() == 0);
  far.send(backend::complete("DISCARD ALL") + backend::ready());
  house.fake.run();
  CHECK(house.pool().idle_count() == 1);
}

TEST_CASE("session pooling rolls back first, then resets; a reset that fails closes") {
  Settings settings = with_size(1);
  settings.pool_mode = PoolMode::session;
  House house(settings);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  run_query(house, client, far, 'T');
  client.give_back(house.pool());
  CHECK(far.take() == message('Q', "ROLLBACK\0"s));
  far.send(backend::complete("ROLLBACK") + backend::ready());
  house.fake.run();
  CHECK(far.take() == message('Q', "DISCARD ALL\0"s));
  far.send(backend::error("42501", "no") + backend::ready());
  house.fake.run();
  CHECK(far.is_gone());
}

TEST_CASE("transaction pooling, and an empty server_reset_query, reset nothing") {
  for (const bool is_session : {false, true}) {
    Settings settings;
    settings.pool_mode = is_session ? PoolMode::session : PoolMode::transaction;
    if (is_session) settings.server_reset_query.clear();
    House house(settings);
    Client client;
    client.ask(house.pool());
    test::FarEnd far = house.connect();
    client.give_back(house.pool());
    CHECK(far.take().empty());
    CHECK(house.pool().idle_count() == 1);
  }
}

TEST_CASE("a held server is given to nobody until the hold ends [5.5-90]") {
  House house(with_size(1));
  Client client;
  client.ask(house.pool());
  house.connect();
  auto hold = std::make_unique<ServerHold>(*client.server);
  client.give_back(house.pool());
  CHECK(house.pool().idle_count() == 0);
  Client next;
  next.ask(house.pool());
  CHECK_FALSE(next.has_server());
  hold.reset();
  CHECK(next.has_server());
}

TEST_CASE("a held server that comes back in a transaction is rolled back after the hold") {
  House house(with_size(1));
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  run_query(house, client, far, 'T');
  auto hold = std::make_unique<ServerHold>(*client.server);
  client.give_back(house.pool());
  CHECK(far.take().empty());
  hold.reset();
  CHECK(far.take() == message('Q', "ROLLBACK\0"s));
}

TEST_CASE("a retired server is not used again") {
  House house;
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.server->retire();
  client.give_back(house.pool());
  house.fake.run();
  CHECK(far.is_gone());
}

TEST_CASE("a server that breaks while idle, in use or settling frees its place [5.6-98]") {
  for (int state = 0; state < 3; ++state) {
    CAPTURE(state);
    House house(with_size(1));
    Client client;
    client.ask(house.pool());
    test::FarEnd far = house.connect();
    if (state == 2) run_query(house, client, far, 'T');
    if (state != 1) client.give_back(house.pool());
    far.close();
    house.fake.run();
    CHECK(far.is_gone());
    CHECK(house.pool().server_count() == 0);
    CHECK(house.pool().idle_count() == 0);
    CHECK(house.broker.servers(app_ann) == 0);
    CHECK(house.counters().servers_broken.value() == 1);
    Client next;
    next.ask(house.pool());
    house.connect();
    CHECK(next.has_server());
  }
}

// Login -----------------------------------------------------------------------------------------------------

TEST_CASE("the startup packet names the user, the server's database and the URL's own parameters") {
  Settings settings;
  settings.databases["app"].dbname = "neondb";
  settings.upstream.options = "endpoint=ep-1";
  settings.upstream.application_name = "ballast";
  settings.upstream.client_encoding = "UTF8";
  House house(settings);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.fake.connector.accept();
  house.fake.run();
  CHECK(far.take() == wire::startup("user\0ann\0database\0neondb\0options\0endpoint=ep-1\0"s +
                                    "application_name\0ballast\0client_encoding\0UTF8\0"s));
}

TEST_CASE("a replication connection is made with the client's own parameters and used once [5.1-15]") {
  House house;
  Pool pool(*house.pools, app_ann, {{"replication", "database"}});
  Client client;
  client.ask(pool);
  test::FarEnd far = house.fake.connector.accept();
  house.fake.run();
  CHECK(far.take() == wire::startup("user\0ann\0database\0app\0replication\0database\0"s));
  far.send(backend::welcome());
  house.fake.run();
  CHECK(client.has_server());
  client.give_back(pool);
  house.fake.run();
  CHECK(far.is_gone());
}

TEST_CASE("bytes that come right behind the first ReadyForQuery are not lost") {
  const std::string change = backend::parameter("TimeZone", "Asia/Tokyo");
  for (std::size_t cut = 0; cut <= change.size(); ++cut) {
    CAPTURE(cut);
    House house;
    Client client;
    client.ask(house.pool());
    test::FarEnd far = house.fake.connector.accept();
    far.send(backend::welcome() + change.substr(0, cut));
    house.fake.run();
    far.send(change.substr(cut));
    house.fake.run();
    REQUIRE(client.has_server());
    CHECK(client.server->reported().at("TimeZone") == "Asia/Tokyo");
  }
}

// Reload and the set ----------------------------------------------------------------------------------------

TEST_CASE(
    "a smaller pool after a reload keeps what is in use and closes what comes back too many [5.7-120]") {
  House house(with_size(3));
  std::vector<Client> clients(3);
  for (Client& client : clients) client.ask(house.pool());
  for (int i = 0; i < 3; ++i) house.connect();
  house.settings.default_pool_size = 1;
  house.pools->configure(std::make_shared<const Settings>(house.settings), house.users());
  for (const Client& client : clients) CHECK(client.has_server());
  for (Client& client : clients) client.give_back(house.pool());
  house.fake.run();
  CHECK(house.pool().server_count() == 1);
}

TEST_CASE("a reload while a login is under way lets the login go on") {
  House house;
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.fake.connector.accept();
  house.fake.run();
  house.pools->configure(std::make_shared<const Settings>(house.settings), house.users());
  far.send(backend::welcome());
  house.fake.run();
  CHECK(client.has_server());
}

TEST_CASE("a pool that nobody uses any more is forgotten") {
  Settings settings;
  settings.server_idle_timeout = 1s;
  House house(settings);
  {
    Client client;
    client.ask(house.pool(app_bob));
    house.connect();
    client.give_back(house.pool(app_bob));
  }
  house.pass(1s);
  house.pass(1s);
  CHECK(house.pools->pools().empty());
}

TEST_CASE("a pool whose clients are there stays, servers or not") {
  House house;
  house.pool().clients = 1;
  house.pass(1000h);
  CHECK(house.pools->pools().size() == 1);
}

TEST_CASE("all idle servers can be closed at once") {
  House house;
  std::vector<Client> clients(3);
  for (Client& client : clients) client.ask(house.pool());
  for (int i = 0; i < 3; ++i) house.connect();
  clients[0].give_back(house.pool());
  clients[1].give_back(house.pool());
  house.pools->close_all_idle();
  house.fake.run();
  CHECK(house.pool().server_count() == 1);
  CHECK(clients[2].has_server());
}

TEST_CASE("who has gone from auth_file is told so at once, and nobody else waits for that") {
  House house;
  Client gone;
  gone.ask(house.pool({"app", "carol"}));
  house.fake.connector.accept().send(wire::message('R', wire::int32(3)));  // it wants a password
  house.fake.run();
  REQUIRE(gone.refusals == 1);
  CHECK(gone.refused.sqlstate.starts_with("28"));
  Client other;
  other.ask(house.pool());
  CHECK(house.connecting() == 1);
}

}  // namespace ballast
