#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

Settings with_target(Milliseconds target) {
  Settings settings = with_size(1);
  settings.queue_target = target;
  return settings;
}

// One server, which somebody has.
struct Busy : House {
  explicit Busy(const Settings& from) : House(from) {
    holder.ask(pool());
    connect();
  }
  Client holder;
};

}  // namespace

TEST_CASE(
    "under overload the newest is served first, and who has waited for queue_target is told to come again") {
  Busy house(with_target(100ms));
  Client first;
  Client second;
  first.ask(house.pool());
  house.pass(100ms);
  second.ask(house.pool());
  CHECK(first.refusals == 0);
  CHECK(house.counters().overloads.value() == 0);
  house.pass(99ms);
  Client third;
  third.ask(house.pool());
  house.pass(1ms);
  CHECK(house.counters().overloads.value() == 1);
  CHECK(house.counters().shed_queue_target.value() == 2);
  CHECK(second.refusals == 1);
  REQUIRE(first.refusals == 1);
  CHECK(first.refused.severity == Severity::error);
  CHECK(first.refused.sqlstate == "53300");
  CHECK(first.refused.message ==
        "the database is overloaded: no server connection within queue_target (0.100 s)");
  CHECK(first.refused.detail.find("default_pool_size") != std::string::npos);
  CHECK(first.refused.hint.find("try again") != std::string::npos);
  Client fourth;
  fourth.ask(house.pool());
  house.holder.give_back(house.pool());
  CHECK(fourth.has_server());
  fourth.give_back(house.pool());
  CHECK(third.has_server());
}

TEST_CASE(
    "overload is seen, and who has waited for too long is told, when a server comes back: not only by "
    "ticks") {
  Busy house(with_target(40ms));
  Client first;
  Client second;
  first.ask(house.pool());
  second.ask(house.pool());
  const auto work = [&](Client& client) {
    house.fake.loop.advance(20ms);
    client.give_back(house.pool());
  };
  house.fake.loop.advance(20ms);
  work(house.holder);  // 40 ms: it may be a burst
  CHECK(first.has_server());
  Client third;
  third.ask(house.pool());
  work(first);  // 60 ms
  CHECK(second.has_server());
  for (Client* const client : {&first, &house.holder}) client->ask(house.pool());
  Client last;
  house.fake.loop.advance(60ms);
  last.ask(house.pool());
  work(second);  // the queue has stood since 40 ms
  CHECK(house.counters().overloads.value() == 1);
  CHECK(third.refusals == 1);
  CHECK(last.has_server());
}

TEST_CASE("a queue that stands while the database wakes is no overload") {
  House house(with_target(100ms));
  house.broker.upstream().disconnected(Upstream::End::slept);
  Client first;
  Client second;
  first.ask(house.pool());
  second.ask(house.pool());
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  CHECK(first.refusals + second.refusals == 0);
  house.connect();
  CHECK(first.has_server());
  house.pass(99ms);
  CHECK(second.refusals == 0);
}

TEST_CASE("without queue_target nobody is told to come again") {
  Busy house(with_size(1));
  Client client;
  client.ask(house.pool());
  for (int i = 0; i < 10; ++i) house.pass(10s);
  CHECK(client.refusals == 0);
  house.holder.give_back(house.pool());
  CHECK(client.has_server());
}

TEST_CASE("a queue longer than max_queue refuses who comes, with the setting's name") {
  Settings settings = with_size(1);
  settings.max_queue = 1;
  Busy house(settings);
  Client waits;
  Client comes;
  waits.ask(house.pool());
  comes.ask(house.pool());
  CHECK(comes.refusals == 0);  // not from inside its call
  house.fake.run();
  CHECK(waits.refusals == 0);
  REQUIRE(comes.refusals == 1);
  CHECK(comes.refused.sqlstate == "53300");
  CHECK(comes.refused.message == "too many clients wait for a server connection (max_queue 1)");
  CHECK(house.counters().shed_max_queue.value() == 1);
  house.holder.give_back(house.pool());
  CHECK(waits.has_server());
}

TEST_CASE("the rules of the queue change with a reload") {
  Busy house(with_size(1));
  Client waits;
  Client comes;
  waits.ask(house.pool());
  house.settings.max_queue = 1;
  house.pools->configure(std::make_shared<const Settings>(house.settings), house.users());
  comes.ask(house.pool());
  house.fake.run();
  CHECK(comes.refusals == 1);
}

// Four servers of a database that does two things at once: with more it is the slower.
struct Crowded : House {
  Crowded() : House(with_latency()) {
    for (Client& client : clients) {
      client.request = wire::message('Q', std::string("SELECT 1") + '\0');
      client.ask(pool());
    }
    while (connecting() > 0) servers.push_back(connect());
    for (std::size_t i = 0; i < servers.size(); ++i) servers[i].send(backend::selected("1"));
    fake.run();
  }
  static Settings with_latency() {
    Settings settings = with_size(4);
    settings.pool_target = PoolTarget::latency;
    return settings;
  }
  // All who are at work are answered, and ask again behind the others. The result: how many they were.
  int work() {
    std::vector<Client*> busy;
    for (Client& client : clients) {
      if (client.has_server()) busy.push_back(&client);
    }
    const Duration time = 5ms * std::max<std::size_t>(busy.size(), 2);
    fake.loop.advance(time);
    for (test::FarEnd& server : servers) {
      if (!server.take().empty()) server.send(backend::selected("1"));
    }
    fake.run();
    for (Client* const client : busy) {
      pool().note_answer(time);
      client->give_back(pool());
      client->ask(pool());
    }
    pass(0ms);
    return static_cast<int>(busy.size());
  }
  std::vector<test::FarEnd> servers;
  std::array<Client, 12> clients;
};

TEST_CASE("with pool_target = latency a database that many servers make slow is asked by fewer at once") {
  Crowded house;
  CHECK(house.work() == 4);
  int most = 0;
  for (int i = 0; i < 2000; ++i) {
    const int busy = house.work();
    if (i >= 1000) most = std::max(most, busy);
  }
  CHECK(most >= 2);
  CHECK(most < 4);
}

TEST_CASE("servers whose clients think within a transaction don't count for pool_target = latency") {
  Crowded house;
  for (int i = 0; i < 2000; ++i) house.work();
  for (Client& client : house.clients) {
    client.leave_queue();
    client.request = {};
  }
  house.work();  // nobody is at work any more
  for (Client& client : house.clients) {
    if (client.has_server()) client.give_back(house.pool());
  }
  std::array<Client, 4> thinking;
  for (Client& client : thinking) {
    client.ask(house.pool());
    CHECK(client.has_server());
  }
}

}  // namespace ballast
