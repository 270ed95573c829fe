#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using Refusal = Broker::Refusal;

// What a server answers that is asked for its limits.
std::string limits(int max_connections, int reserved) {
  const auto column = [](int number) {
    const std::string text = std::to_string(number);
    return wire::int32(static_cast<std::int64_t>(text.size())) + text;
  };
  return backend::row_description +
         wire::message(
             'D', std::string("\0\3", 2) + column(max_connections) + column(reserved) + wire::int32(-1)) +
         backend::complete("SELECT 1") + backend::ready();
}

bool asks_for_limits(const std::string& sent) { return sent.find("max_connections") != std::string::npos; }

// A house whose servers are asked, and its first server, which has answered its first client's question.
struct Told : House {
  Told(int size, int max_connections) : House(with_size(size), Switch::on) {
    first.ask(pool());
    far = connect();
    first.server->flush();
    CHECK(asks_for_limits(far.take()));
    far.send(limits(max_connections, 3));
    fake.run();
  }
  Client first;
  test::FarEnd far;
};

}  // namespace

TEST_CASE("the first server that a client gets is asked, in front of what the client asks, and no other") {
  Told house(5, 100);
  CHECK(house.broker.slots().limits == ServerLimits{100, 3});
  CHECK(house.broker.slots().most == 93);
  Client second;
  second.ask(house.pool(app_bob));
  test::FarEnd far = house.connect();
  second.server->flush();
  CHECK(far.take().empty());
}

TEST_CASE("no more servers are made than the database has room for, in whatever pools") {
  Told house(5, 6);  // 3 reserved, 1 for others
  Client second;
  Client third;
  second.ask(house.pool(app_bob));
  house.connect();
  third.ask(house.pool(shop_ann));
  CHECK(house.connecting() == 0);
  CHECK(house.counters().refused_max_connections.value() == 1);
  CHECK_FALSE(third.has_server());
  second.give_back(house.pool(app_bob));  // the place that comes back is for who has waited longest
  house.pass(100ms);
  house.connect();
  CHECK(third.has_server());
}

TEST_CASE("an idle server of another pool makes room") {
  Told house(5, 6);
  Client second;
  second.ask(house.pool(app_bob));
  house.connect();
  second.give_back(house.pool(app_bob));
  Client third;
  third.ask(house.pool(shop_ann));
  house.connect();
  CHECK(third.has_server());
  CHECK(house.pool(app_bob).server_count() == 0);
}

TEST_CASE("who waits too long for want of room is told the database's numbers") {
  Told house(5, 6);
  Client second;
  Client third;
  second.ask(house.pool(app_bob));
  house.connect();
  third.ask(house.pool(shop_ann));
  house.pass(house.settings.query_wait_timeout);
  CHECK(third.refused.sqlstate == "53300");
  CHECK(third.refused.detail ==
        "All 2 connections that the database has room for are in use (max_connections 6: 3 reserved, 1 left "
        "for others).");
}

TEST_CASE("a database that comes back is asked again, by the first server that a client gets") {
  Told house(5, 100);
  house.first.give_back(house.pool());
  house.broker.upstream().disconnected(Upstream::End::slept);  // the house's own
  house.far.close();
  house.fake.run();
  REQUIRE(house.broker.upstream().state() == Upstream::State::asleep);
  CHECK(house.broker.slots().most == 93);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.server->flush();
  CHECK(asks_for_limits(far.take()));
  far.send(limits(419, 7));
  house.fake.run();
  CHECK(house.broker.slots().most == 392);
}

TEST_CASE("an answer that makes no sense changes nothing and harms nobody") {
  House house(with_size(5), Switch::on);
  Client client;
  client.ask(house.pool());
  test::FarEnd far = house.connect();
  client.server->flush();
  far.send(backend::error("42704", "unrecognized configuration parameter") + backend::ready());
  house.fake.run();
  CHECK(client.has_server());
  CHECK(client.server->pipeline().at_rest());
  CHECK(house.broker.slots().most == SlotBudget::unlimited);
}

TEST_CASE("with server_budget off nobody is asked, and what was known is forgotten by a reload") {
  Told house(5, 6);
  CHECK(house.broker.slots().most == 2);
  Settings settings = house.settings;
  settings.server_budget = Switch::off;
  house.pools->configure(std::make_shared<const Settings>(settings), house.users());
  CHECK(house.broker.slots().most == SlotBudget::unlimited);
  Client second;
  second.ask(house.pool(app_bob));
  test::FarEnd far = house.connect();
  second.server->flush();
  CHECK(far.take().empty());
}

TEST_CASE("servers of replication and of those that listen count, but are asked nothing") {
  House house(with_size(5), Switch::on);
  Pool replication(*house.pools, {"app", "ann", Replication::physical}, {{"replication", "true"}});
  Client client;
  client.ask(replication);
  test::FarEnd far = house.connect();
  client.server->flush();
  CHECK(far.take().empty());
  house.broker.learn_limits({5, 3});
  Client second;
  second.ask(house.pool());
  CHECK(house.connecting() == 0);
}

TEST_CASE("when no place is free there, as many servers may be as there are, and clients wait for them") {
  House house(with_size(8));
  std::array<Client, 4> clients;
  for (Client& client : clients) client.ask(house.pool());
  house.connect();
  house.connect();
  house.broker.upstream().disconnected(Upstream::End::ours);  // the house's own
  house.refuse_login("53300", "sorry, too many clients already");
  house.refuse_login("53300", "sorry, too many clients already");
  CHECK(house.counters().server_slots_full.value() == 2);
  CHECK(house.broker.slots().most == 2);
  CHECK(house.broker.slots().is_shrunk());
  for (int i = 0; i < 7; ++i) house.pass(100ms);
  CHECK(house.connecting() == 0);
  for (const Client& client : clients) CHECK(client.refusals == 0);
}

TEST_CASE("room that the database has again is used, one server more after each pause") {
  House house(with_size(8));
  std::array<Client, 4> clients;
  for (Client& client : clients) client.ask(house.pool());
  house.connect();
  house.refuse_login("53300", "sorry, too many clients already");
  house.refuse_login("53300", "sorry, too many clients already");
  house.refuse_login("53300", "sorry, too many clients already");
  for (int i = 0; i < 100 && house.broker.slots().is_shrunk(); ++i) {
    const int most = house.broker.slots().most;
    while (house.connecting() > 0) house.connect();
    CHECK(house.pool().server_count() <= static_cast<std::size_t>(most));
    house.pass(100ms);
  }
  CHECK_FALSE(house.broker.slots().is_shrunk());
  while (house.connecting() > 0) house.connect();
  for (const Client& client : clients) CHECK(client.has_server());
}

TEST_CASE("a database that has never had a place for us is not down: its clients wait on") {
  Settings settings;
  settings.server_down_timeout = 3s;
  House house(settings);
  house.broker.upstream().disconnected(Upstream::End::ours);
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 600; ++i) {  // a minute
    while (house.connecting() > 0) house.refuse_login("53300", "sorry, too many clients already");
    house.pass(100ms);
  }
  CHECK(client.refusals == 0);
  for (int i = 0; i < 200 && !client.has_server(); ++i) {
    while (house.connecting() > 0) house.connect();
    house.pass(100ms);
  }
  CHECK(client.has_server());
}

TEST_CASE("a limit of all pools is shared by all of them") {
  CHECK(share_limit(Refusal::max_connections, app_ann, shop_ann));
  CHECK(share_limit(Refusal::max_connections, app_ann, app_bob));
}

}  // namespace ballast
