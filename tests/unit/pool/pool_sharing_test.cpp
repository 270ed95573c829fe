// Several pools, of one worker or of two, under limits that they share: who gets a place, and who gives one.
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "proxy/pool/pool.hpp"

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

// A house with a second worker, in the same world and under the same broker.
struct TwoWorkers : House {
  explicit TwoWorkers(const Settings& from) : House(from) {}
  void pass(Duration time) {
    fake.loop.advance(time);
    pools->tick(fake.loop.now());
    others.tick(fake.loop.now());
    fake.run();
  }
  void connect_all() {
    for (int left = 20; left > 0 && connecting() > 0; --left) connect();
    REQUIRE(connecting() == 0);  // or pools rob each other
  }
  Pool& there(const PoolKey& key) { return others.pool(key); }

  PoolSet others{fake.world, broker, std::make_shared<const Settings>(settings), users()};
};

Settings with_one_place() {
  Settings settings;
  settings.max_db_connections = 1;
  return settings;
}

// Clients of one pool that want a server again as soon as they have given theirs back.
struct Crowd {
  explicit Crowd(Pool& its_pool) : pool(its_pool) {
    for (Client& client : clients) client.ask(pool);
  }
  void work() {
    for (Client& client : clients) {
      if (!client.has_server()) continue;
      client.give_back(pool);
      client.ask(pool);
    }
  }
  Duration longest_wait(TimePoint now) const {
    Duration longest{};
    for (const Client& client : clients) {
      if (client.is_waiting()) longest = std::max(longest, now - client.waiting_since());
    }
    return longest;
  }

  Pool& pool;
  std::array<Client, 3> clients;
};

// Whether crowds that share what there is are all served, without long waits.
void check_turns(TwoWorkers& house, const std::vector<Crowd*>& crowds) {
  for (int step = 0; step < 500; ++step) {
    house.pass(10ms);
    house.connect_all();
    for (Crowd* const crowd : crowds) crowd->work();
    house.fake.run();
    for (const Crowd* const crowd : crowds) REQUIRE(crowd->longest_wait(house.fake.loop.now()) < 1s);
  }
  // Turns are long enough to be worth the connects that they cost.
  CHECK(house.fake.connector.attempts < 100);
}

}  // namespace

TEST_CASE("an idle server goes to the worker whose clients wait, with what is prepared on it") {
  House house(with_size(1));
  PoolSet others(house.fake.world, house.broker, std::make_shared<const Settings>(house.settings),
                 house.users());
  Client here;
  here.ask(house.pool());
  test::FarEnd far = house.connect();
  here.server->statements().preparing(5, 1, 1);
  here.server->statements().confirmed(5);
  const std::string name = here.server->name();
  here.give_back(house.pool());
  Client there;
  there.ask(others.pool(app_ann));
  house.fake.run();
  REQUIRE(there.has_server());
  CHECK(there.server->name() == name);
  CHECK(there.server->statements().may_be_there(5, 99));
  CHECK_FALSE(far.is_gone());
  CHECK(house.pool().server_count() == 0);
  CHECK(house.broker.servers(app_ann) == 1);
  there.give_back(others.pool(app_ann));
}

TEST_CASE("a pool that another worker has filled is counted as a limit for who waits, and for nobody else") {
  Settings settings = with_size(1);
  settings.min_pool_size = 1;
  TwoWorkers house(settings);
  Client here;
  here.ask(house.pool());
  house.connect();
  house.there(app_ann);  // which would like to have one, too
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  CHECK(house.others.counters().refused_pool_size.value() == 0);
  Client there;
  there.ask(house.there(app_ann));
  for (int i = 0; i < 10; ++i) house.pass(100ms);
  CHECK(house.others.counters().refused_pool_size.value() == 1);
}

TEST_CASE("a replication server is never given to another worker's ordinary client") {
  House house(with_size(1));
  PoolSet others(house.fake.world, house.broker, std::make_shared<const Settings>(house.settings),
                 house.users());
  Client holder;
  holder.ask(house.pool());
  house.connect();
  Client ordinary;
  ordinary.ask(others.pool(app_ann));
  house.fake.run();
  house.fake.loop.advance(1s);
  Pool replication(*house.pools, app_ann, {{"replication", "true"}});
  Client walsender;
  walsender.ask(replication);
  house.pool().discard(*std::exchange(holder.server, nullptr));
  replication.tick(house.fake.loop.now());
  house.connect();
  CHECK(walsender.has_server());
  CHECK_FALSE(ordinary.has_server());
}

TEST_CASE("min_pool_size is not filled up with the place that another worker's client waits for") {
  Settings settings = with_one_place();
  settings.min_pool_size = 1;
  settings.server_lifetime = 200ms;
  TwoWorkers house(settings);
  house.pool(app_ann);
  house.pass(100ms);
  REQUIRE(house.connecting() == 1);
  Client bob;
  bob.ask(house.there(app_bob));  // while the server that has the place is not even connected
  house.fake.run();
  for (int i = 0; i < 5; ++i) {
    house.connect_all();
    house.pass(100ms);
  }
  CHECK(bob.has_server());
}

TEST_CASE("a server that becomes idle makes room for another worker's pool of the database") {
  TwoWorkers house(with_one_place());
  Client ann;
  ann.ask(house.pool(app_ann));
  test::FarEnd server = house.connect();
  Client bob;
  bob.ask(house.there(app_bob));
  house.fake.run();
  ann.give_back(house.pool(app_ann));
  house.fake.run();
  CHECK(server.is_gone());
  REQUIRE(house.connecting() == 1);
  house.connect();
  CHECK(bob.has_server());
}

TEST_CASE("a server that becomes idle makes room for another worker's pool of the user") {
  Settings settings;
  settings.max_user_connections = 1;
  TwoWorkers house(settings);
  Client in_app;
  in_app.ask(house.pool(app_ann));
  house.connect();
  Client in_shop;
  in_shop.ask(house.there(shop_ann));
  house.fake.run();
  in_app.give_back(house.pool(app_ann));
  house.fake.run();
  REQUIRE(house.connecting() == 1);
  house.connect();
  CHECK(in_shop.has_server());
}

TEST_CASE("one waiting client costs the other pools one idle server, not all of them") {
  Settings settings;
  settings.max_db_connections = 2;
  TwoWorkers house(settings);
  Client ann;
  Client zoe;
  ann.ask(house.pool(app_ann));
  zoe.ask(house.pool({"app", "zoe"}));
  house.connect_all();
  Client bob;
  bob.ask(house.there(app_bob));
  house.fake.run();
  ann.give_back(house.pool(app_ann));
  zoe.give_back(house.pool({"app", "zoe"}));
  house.fake.run();
  house.connect_all();
  CHECK(bob.has_server());
  CHECK(house.pool(app_ann).server_count() == 0);
  CHECK(house.pool({"app", "zoe"}).server_count() == 1);
}

TEST_CASE("two pools on two workers whose clients never stop take turns for one place") {
  TwoWorkers house(with_one_place());
  Crowd anns(house.pool(app_ann));
  Crowd bobs(house.there(app_bob));
  check_turns(house, {&anns, &bobs});
}

TEST_CASE("two pools of one worker whose clients never stop take turns for one place") {
  TwoWorkers house(with_one_place());
  Crowd anns(house.pool(app_ann));
  Crowd bobs(house.pool(app_bob));
  check_turns(house, {&anns, &bobs});
}

TEST_CASE("two pools of one user take turns for one place under max_user_connections") {
  Settings settings;
  settings.max_user_connections = 1;
  TwoWorkers house(settings);
  Crowd in_app(house.pool(app_ann));
  Crowd in_shop(house.there(shop_ann));
  check_turns(house, {&in_app, &in_shop});
}

TEST_CASE("a pool that needs a place of its database and one of its user has its turn, too") {
  Settings settings = with_one_place();
  settings.max_user_connections = 1;
  TwoWorkers house(settings);
  Crowd anns(house.pool(app_ann));
  Crowd bobs(house.there({"shop", "bob"}));
  Crowd both(house.pool(app_bob));
  check_turns(house, {&anns, &bobs, &both});
}

// Three places, all of them ann's, more of whose clients wait; bob's client came last.
struct Hog : House {
  explicit Hog(FairBy fair_by) : House(with_places(fair_by)), ann(pool(app_ann)) {
    while (connecting() > 0) connect();
    pass(1s);
    for (Client& client : more) client.ask(ann.pool);
    pass(10ms);
    bob.ask(pool(app_bob));
    pass(1ms);
  }
  static Settings with_places(FairBy fair_by) {
    Settings settings;
    settings.max_db_connections = 3;
    settings.fair_by = fair_by;
    return settings;
  }
  Crowd ann;
  std::array<Client, 3> more;
  Client bob;
};

TEST_CASE("with fair_by a user's client gets the place of one that has many, who waits longer") {
  Hog house(FairBy::user);
  house.ann.clients[0].give_back(house.ann.pool);
  house.fake.run();
  REQUIRE(house.connecting() == 1);
  house.connect();
  CHECK(house.bob.has_server());
  house.ann.clients[1].give_back(house.ann.pool);  // two and one is fair
  house.fake.run();
  CHECK(house.more[0].has_server());
}

TEST_CASE("without fair_by who waits longest is served first, whoever it is") {
  Hog house(FairBy::none);
  house.ann.clients[0].give_back(house.ann.pool);
  house.fake.run();
  CHECK(house.more[0].has_server());
  CHECK(house.connecting() == 0);
}

TEST_CASE("with fair_by two users whose clients never stop take turns for an odd number of places") {
  Settings settings;
  settings.max_db_connections = 3;
  settings.fair_by = FairBy::user;
  TwoWorkers house(settings);
  Crowd ann(house.pool(app_ann));
  Crowd bob(house.there(app_bob));
  check_turns(house, {&ann, &bob});
}

TEST_CASE("with fair_by a place does not go to who would then have two more") {
  Settings settings;
  settings.max_db_connections = 2;
  settings.fair_by = FairBy::user;
  House house(settings);
  std::array<Client, 2> anns;
  std::array<Client, 2> bobs;
  anns[0].ask(house.pool(app_ann));
  bobs[0].ask(house.pool(app_bob));
  while (house.connecting() > 0) house.connect();
  bobs[1].ask(house.pool(app_bob));
  house.pass(1s);
  anns[1].ask(house.pool(app_ann));
  anns[0].give_back(house.pool(app_ann));
  house.fake.run();
  CHECK(anns[1].has_server());
  CHECK(house.connecting() == 0);
}

// Gives the client the one place there is, by a connect that takes so long; then bob's client waits for it,
// and after that another one of ann's.
struct SlowlyConnected : House {
  SlowlyConnected(Duration took, Duration bob_waits) : House(with_one_place()) {
    ann.ask(pool(app_ann));
    test::FarEnd far = fake.connector.accept();
    fake.run();
    pass(took);
    far.send(backend::welcome());
    fake.run();
    bob.ask(pool(app_bob));
    pass(bob_waits);
    more.ask(pool(app_ann));
    ann.give_back(pool(app_ann));
    fake.run();
  }
  Client ann, bob, more;
};

TEST_CASE("a server is kept ten times as long as its connect took, if its own pool's clients wait") {
  SlowlyConnected house(50ms, 300ms);
  REQUIRE(house.more.has_server());  // though bob has waited for longer
  house.pass(199ms);
  SUBCASE("up to then") {
    house.ann.ask(house.pool(app_ann));
    house.more.give_back(house.pool(app_ann));
    house.fake.run();
    CHECK(house.ann.has_server());
  }
  SUBCASE("no longer") {
    house.ann.ask(house.pool(app_ann));
    house.pass(1ms);
    house.more.give_back(house.pool(app_ann));
    house.fake.run();
    CHECK(house.connecting() == 1);
    house.connect();
    CHECK(house.bob.has_server());
  }
  SUBCASE("at once when none waits") {
    house.more.give_back(house.pool(app_ann));
    house.fake.run();
    CHECK(house.connecting() == 1);
  }
}

TEST_CASE("a wake is not paid for again: no server is kept for longer than two seconds") {
  SlowlyConnected house(3s, 2s);
  CHECK(house.connecting() == 1);
}

TEST_CASE("a place that has become free goes to the client that has waited longest, on whichever worker") {
  TwoWorkers house(with_one_place());
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  Client bob;
  bob.ask(house.there(app_bob));
  house.fake.loop.advance(50ms);
  Client next;
  next.ask(house.pool(app_ann));
  house.pool(app_ann).discard(*std::exchange(ann.server, nullptr));  // not given to `next` as it is
  house.fake.run();
  REQUIRE(house.connecting() == 1);
  house.connect();
  CHECK(bob.has_server());
  CHECK_FALSE(next.has_server());
  bob.give_back(house.there(app_bob));
  house.fake.run();
  house.connect_all();
  CHECK(next.has_server());
}

TEST_CASE("a waiter that has left keeps no place from others") {
  TwoWorkers house(with_one_place());
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  Client bob;
  house.there(app_bob).clients = 1;  // he stays, and the pool with him
  bob.ask(house.there(app_bob));
  house.fake.loop.advance(50ms);
  Client next;
  next.ask(house.pool(app_ann));
  bob.leave_queue();
  house.pool(app_ann).discard(*std::exchange(ann.server, nullptr));
  house.fake.run();
  for (int i = 0; i < 2; ++i) house.pass(100ms);
  house.connect_all();
  CHECK(next.has_server());
}

TEST_CASE("a pool that ends keeps no place from others") {
  TwoWorkers house(with_one_place());
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  {
    Pool replication(house.others, {"app", "bob", Replication::physical}, {{"replication", "true"}});
    Client walsender;
    walsender.ask(replication);
    CHECK(house.broker.is_anyone_hungry());
  }
  CHECK_FALSE(house.broker.is_anyone_hungry());
}

TEST_CASE("a pool asks no longer when it gets a place, or when a server of its own serves its last waiter") {
  TwoWorkers house(with_one_place());
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  Client next;
  next.ask(house.pool(app_ann));
  CHECK(house.broker.is_anyone_hungry());
  ann.give_back(house.pool(app_ann));
  CHECK(next.has_server());
  CHECK_FALSE(house.broker.is_anyone_hungry());
  ann.ask(house.pool(app_ann));
  CHECK(house.broker.is_anyone_hungry());
  house.pool(app_ann).discard(*std::exchange(next.server, nullptr));
  CHECK(house.connecting() == 1);
  CHECK_FALSE(house.broker.is_anyone_hungry());
}

TEST_CASE("a pool that may not connect yet after a failure keeps no place from others") {
  Settings settings;
  settings.max_db_connections = 2;
  settings.server_login_retry = 10s;
  TwoWorkers house(settings);
  Client ann;
  ann.ask(house.pool(app_ann));
  house.connect();
  std::array<Client, 2> bobs;
  for (Client& bob : bobs) bob.ask(house.there(app_bob));
  house.fake.run();
  house.fake.loop.advance(50ms);
  std::array<Client, 2> next;
  for (Client& client : next) client.ask(house.pool(app_ann));
  house.fake.connector.refuse("connection refused");
  house.fake.run();
  house.pass(100ms);
  house.connect_all();
  CHECK(next[0].has_server());
}

TEST_CASE("a replication connection has its turn under the limits of its database") {
  TwoWorkers house(with_one_place());
  Crowd bobs(house.there(app_bob));
  house.fake.run();
  Pool replication(*house.pools, {"app", "ann", Replication::physical}, {{"replication", "true"}});
  Client walsender;
  walsender.ask(replication);
  for (int step = 0; step < 50 && !walsender.has_server(); ++step) {
    house.pass(10ms);
    house.connect_all();
    bobs.work();
    replication.tick(house.fake.loop.now());
  }
  REQUIRE(walsender.has_server());
  walsender.give_back(replication);
}

}  // namespace ballast
