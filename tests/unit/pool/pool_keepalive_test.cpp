// What keepalive does to real pools: house.hpp's, in a fake world.
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

const std::string empty_query = wire::message('Q', std::string(1, '\0'));
const std::string empty_answer = wire::message('I', "") + backend::ready();

Settings with(KeepaliveMode mode) {
  Settings settings;
  settings.keepalive = mode;
  settings.scale_to_zero = ScaleToZero::on;
  settings.server_idle_timeout = 0s;
  settings.server_lifetime = 0s;
  return settings;
}

struct Vigil : House {
  explicit Vigil(KeepaliveMode mode) : Vigil(with(mode)) {}
  explicit Vigil(const Settings& from) : House(from) {
    settings.upstream.dbname = "app";
    broker.keepalive().configure(KeepaliveTerms::of(settings));
    broker.upstream().disconnected(Upstream::End::slept);  // the one that House has made up
    pools->configure(std::make_shared<const Settings>(settings), users());
  }
  // As a worker's tick.
  void pass_awake(Duration time) {
    pass(time);
    pools->keep_awake(fake.loop.now(), wall += std::chrono::duration_cast<WallTime::duration>(time));
    fake.run();
  }
  // A client has used a server and has given it back.
  test::FarEnd used() {
    Client client;
    client.ask(pool());
    test::FarEnd far = connect();
    client.give_back(pool());
    return far;
  }
  Keepalive& keepalive() { return broker.keepalive(); }

  WallTime wall = std::chrono::sys_days(std::chrono::year(2026) / 11 / 2);
};

}  // namespace

TEST_CASE("an idle server is pinged before the database would sleep, and is idle again") {
  Vigil house(KeepaliveMode::while_clients);
  test::FarEnd far = house.used();
  house.pool().clients = 1;
  house.pass_awake(269s);
  CHECK(far.take().empty());
  house.pass_awake(1s);
  CHECK(far.take() == empty_query);
  CHECK(house.pool().idle_count() == 0);
  far.send(empty_answer);
  house.fake.run();
  CHECK(house.pool().idle_count() == 1);
  house.pass_awake(270s);
  CHECK(far.take() == empty_query);
  CHECK(house.keepalive().figures().pings == 2);
  CHECK(house.keepalive().spending().awake == 540s);
  house.pool().clients = 0;
}

TEST_CASE("nothing is sent when it is off, or when nobody is there") {
  for (const KeepaliveMode mode : {KeepaliveMode::off, KeepaliveMode::while_clients}) {
    Vigil house(mode);
    test::FarEnd far = house.used();
    for (int i = 0; i < 20; ++i) house.pass_awake(60s);
    CHECK(far.take().empty());
    CHECK(house.connecting() == 0);
  }
}

TEST_CASE("one server of all is pinged, the one used last") {
  Vigil house(KeepaliveMode::always);
  Client first;
  Client second;
  first.ask(house.pool());
  second.ask(house.pool());
  test::FarEnd one = house.connect();
  test::FarEnd other = house.connect();
  CHECK(first.has_server());
  CHECK(second.has_server());
  second.give_back(house.pool());
  first.give_back(house.pool());
  house.pass_awake(270s);
  CHECK(one.take() == empty_query);
  CHECK(other.take().empty());
}

TEST_CASE("a server that a client is busy with, or in a transaction on, needs no ping") {
  Vigil house(KeepaliveMode::always);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.server->expect({.kind = RequestKind::query, .by_client = true});
  client.server->send(wire::message('Q', std::string("begin\0", 6)));
  client.server->flush();
  house.fake.run();
  far.take();
  for (int i = 0; i < 20; ++i) house.pass_awake(60s);
  far.send(backend::complete("BEGIN") + backend::ready('T'));
  house.fake.run();
  for (int i = 0; i < 20; ++i) house.pass_awake(60s);
  CHECK(far.take().empty());
  CHECK(house.connecting() == 0);
  CHECK(house.keepalive().spending().awake == 0s);
  house.pool().discard(*client.server);
}

TEST_CASE("a connect of keepalive is counted, though a read that might ride on it has come meanwhile") {
  Settings settings = with(KeepaliveMode::always);
  settings.upstream.sslmode = SslMode::verify_full;
  Vigil house(settings);
  Client client;
  client.ask(house.pool());
  house.connect();
  house.pass_awake(285s);
  REQUIRE(house.connecting() == 1);
  Client rider;
  rider.rides = true;
  rider.ask(house.pool());
  test::FarEnd far = house.fake.connector.accept();
  far.send(wire::message('R', wire::int32(3)));  // it wants a password
  house.fake.run();
  CHECK_FALSE(rider.has_server());
  far.send(backend::welcome());
  house.fake.run();
  CHECK(rider.has_server());
  CHECK(house.keepalive().figures().connects == 1);
  house.pool().discard(*rider.server);
  house.pool().discard(*client.server);
}

TEST_CASE("a server that rests with its client is not touched: another is made instead") {
  Vigil house(KeepaliveMode::always);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  house.pass_awake(284s);
  CHECK(house.connecting() == 0);
  house.pass_awake(1s);
  CHECK(house.connecting() == 1);
  house.connect();
  CHECK(far.take().empty());
  CHECK(house.keepalive().figures().connects == 1);
  CHECK(house.pool().idle_count() == 1);
  house.pool().discard(*client.server);
}

TEST_CASE("always connects as the URL's own user when nobody else is there, and pays from then on") {
  Vigil house(KeepaliveMode::always);
  house.pass_awake(1s);
  CHECK(house.connecting() == 1);
  CHECK(house.pools->pools().contains(app_ann));
  test::FarEnd far = house.connect();
  CHECK(house.keepalive().spending().awake == 300s);
  house.pass_awake(270s);
  CHECK(far.take() == empty_query);
}

TEST_CASE("a ping without an answer within server_check_timeout is another server's or a connect's task") {
  Vigil house(KeepaliveMode::always);
  test::FarEnd far = house.used();
  house.pass_awake(270s);
  CHECK(far.take() == empty_query);
  house.pass_awake(3s);
  CHECK(house.pool().server_count() == 0);
  CHECK(house.connecting() == 1);
}

TEST_CASE("while_clients does not wake a database that slept under the ping") {
  Vigil house(KeepaliveMode::while_clients);
  test::FarEnd far = house.used();
  house.pool().clients = 1;
  house.pass_awake(400s);
  CHECK(far.take() == empty_query);
  far.send(empty_answer);
  house.fake.run();
  far.send(backend::error("57P01", "terminating connection due to administrator command", "FATAL"));
  far.close();
  house.fake.run();
  for (int i = 0; i < 20; ++i) house.pass_awake(60s);
  CHECK(house.connecting() == 0);
  CHECK(house.broker.upstream().state() == Upstream::State::asleep);
  house.pool().clients = 0;
}

TEST_CASE("a client that comes while the ping is under way gets the server as soon as it is answered") {
  Vigil house(KeepaliveMode::always);
  test::FarEnd far = house.used();
  house.pass_awake(270s);
  far.take();
  Client client;
  client.ask(house.pool());
  CHECK_FALSE(client.has_server());
  far.send(empty_answer);
  house.fake.run();
  CHECK(client.has_server());
  client.give_back(house.pool());
}

// An operator's question ------------------------------------------------------------------------------------

TEST_CASE("an operator's question is one empty query on an idle server, and its answer is told") {
  Vigil house(KeepaliveMode::off);
  test::FarEnd far = house.used();
  std::vector<bool> told;
  const auto ask = [&](PoolSet::AskEvenIf even_if) {
    return house.pools->ask_database(even_if, house.fake.loop.now(),
                                     [&](bool is_answered) { told.push_back(is_answered); });
  };
  CHECK(ask(PoolSet::AskEvenIf::never) == PoolSet::Asked::yes);
  house.fake.run();
  CHECK(far.take() == empty_query);
  CHECK(told.empty());
  CHECK(ask(PoolSet::AskEvenIf::never) == PoolSet::Asked::no_idle_server);
  far.send(empty_answer);
  house.fake.run();
  CHECK(told == std::vector<bool>{true});
  CHECK(house.pool().idle_count() == 1);
  CHECK(PoolTotals::of(house.pool().statistics()).queries == 0);
}

TEST_CASE("a server that is lost instead of an answer is told as that, and is no ping that was missed") {
  Vigil house(KeepaliveMode::off);
  test::FarEnd far = house.used();
  std::vector<bool> told;
  house.pools->ask_database(PoolSet::AskEvenIf::never, house.fake.loop.now(),
                            [&](bool is_answered) { told.push_back(is_answered); });
  far.close();
  house.fake.run();
  CHECK(told == std::vector<bool>{false});
}

TEST_CASE("a database that may sleep is not asked while it rests, unless somebody insists") {
  Vigil house(KeepaliveMode::off);
  test::FarEnd far = house.used();
  const auto ask = [&](PoolSet::AskEvenIf even_if) {
    return house.pools->ask_database(even_if, house.fake.loop.now(), [](bool) {});
  };
  house.pass(31s);
  CHECK(ask(PoolSet::AskEvenIf::never) == PoolSet::Asked::not_while_it_rests);
  CHECK(far.take().empty());
  CHECK(ask(PoolSet::AskEvenIf::it_rests) == PoolSet::Asked::yes);
  far.send(empty_answer);
  house.fake.run();
  far.close();
  house.fake.run();
  CHECK(ask(PoolSet::AskEvenIf::it_rests) == PoolSet::Asked::not_awake);
  CHECK(house.connecting() == 0);
  house.pools->wake_database();
  CHECK(house.connecting() == 1);
}

}  // namespace ballast
