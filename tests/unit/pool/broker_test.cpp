#include "proxy/pool/broker.hpp"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using Refusal = Broker::Refusal;

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

}  // namespace

TEST_CASE("a pool gets as many permits as its size, and the next when one comes back") {
  Broker broker;
  const PoolSettings settings;
  std::vector<Permit> permits;
  for (int i = 0; i < 3; ++i) {
    Broker::Answer answer = broker.ask(app_ann, settings, 3, {});
    CHECK(answer.permit);
    permits.push_back(std::move(answer.permit));
  }
  CHECK(broker.servers(app_ann) == 3);
  const Broker::Answer refused = broker.ask(app_ann, settings, 3, {});
  CHECK_FALSE(refused.permit);
  CHECK(refused.refusal == Refusal::pool_size);
  permits.pop_back();
  CHECK(broker.servers(app_ann) == 2);
  CHECK(broker.ask(app_ann, settings, 3, {}).permit);
}

TEST_CASE("max_db_connections counts the pools of a database together") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 2;
  const Broker::Answer one = broker.ask(app_ann, settings, 5, {});
  const Broker::Answer two = broker.ask(app_bob, settings, 5, {});
  CHECK(broker.ask(app_ann, settings, 5, {}).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(app_bob, settings, 5, {}).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(shop_ann, settings, 5, {}).refusal == Refusal::none);
}

TEST_CASE("max_user_connections counts the pools of a user together") {
  Broker broker;
  PoolSettings settings;
  settings.max_user_connections = 2;
  const Broker::Answer one = broker.ask(app_ann, settings, 5, {});
  const Broker::Answer two = broker.ask(shop_ann, settings, 5, {});
  CHECK(broker.ask(app_ann, settings, 5, {}).refusal == Refusal::max_user_connections);
  CHECK(broker.ask(app_bob, settings, 5, {}).refusal == Refusal::none);
}

TEST_CASE("the first limit that is reached is the one that is named") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 1;
  settings.max_user_connections = 1;
  const Broker::Answer only = broker.ask(app_ann, settings, 1, {});
  CHECK(broker.ask(app_ann, settings, 1, {}).refusal == Refusal::pool_size);
  CHECK(broker.ask(app_ann, settings, 2, {}).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(shop_ann, settings, 2, {}).refusal == Refusal::max_user_connections);
}

TEST_CASE("a refusal takes no place") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 1;
  {
    const Broker::Answer only = broker.ask(app_ann, settings, 1, {});
    for (int i = 0; i < 10; ++i) CHECK_FALSE(broker.ask(app_bob, settings, 1, {}).permit);
    CHECK(broker.servers(app_bob) == 0);
  }
  CHECK(broker.ask(app_bob, settings, 1, {}).permit);
}

TEST_CASE("a permit that moves counts once, wherever it ends [5.7-111]") {
  Broker broker;
  const PoolSettings settings;
  Permit first = broker.ask(app_ann, settings, 9, {}).permit;
  Permit second = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left of it is the point
  CHECK(second);
  CHECK(broker.servers(app_ann) == 1);
  Permit third = broker.ask(app_ann, settings, 9, {}).permit;
  CHECK(broker.servers(app_ann) == 2);
  third = std::move(second);  // gives its own place back
  CHECK(broker.servers(app_ann) == 1);
  third = {};
  CHECK(broker.servers(app_ann) == 0);
}

TEST_CASE("a limit that is lowered below what is in use gives nothing until there is room") {
  Broker broker;
  const PoolSettings settings;
  std::vector<Permit> permits;
  for (int i = 0; i < 4; ++i) permits.push_back(broker.ask(app_ann, settings, 4, {}).permit);
  for (int left = 4; left >= 2; --left) {
    CHECK_FALSE(broker.ask(app_ann, settings, 2, {}).permit);
    permits.pop_back();
  }
  CHECK(broker.ask(app_ann, settings, 2, {}).permit);
}

TEST_CASE("permits of several workers add up") {
  Broker broker;
  const PoolSettings settings;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&broker, &settings] {
      for (int round = 0; round < 500; ++round) {
        const Broker::Answer a = broker.ask(app_ann, settings, 3, {});
        const Broker::Answer b = broker.ask(app_bob, settings, 1000, {});
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(broker.servers(app_ann) == 0);
  CHECK(broker.servers(app_bob) == 0);
}

TEST_CASE("a free place is left for each hungry pool that has waited longer") {
  House house;
  Broker& broker = house.broker;
  PoolSettings settings;
  settings.max_db_connections = 3;
  const Broker::Turn bob{&house.pool(app_bob), at(2)};
  broker.want(house.pools->worker(), app_bob, bob, Refusal::max_db_connections);
  const Broker::Answer fills_up = broker.ask(app_ann, settings, 9, {});
  const Broker::Answer later = broker.ask(app_ann, settings, 9, {&house.pool(app_ann), at(3)});
  CHECK(fills_up.permit);
  CHECK(later.permit);
  CHECK_FALSE(broker.ask(app_ann, settings, 9, {}).permit);
  CHECK_FALSE(broker.ask(app_ann, settings, 9, {&house.pool(app_ann), at(3)}).permit);
  CHECK(broker.ask(app_ann, settings, 9, {&house.pool(app_ann), at(1)}).permit);
  CHECK(broker.ask(app_bob, settings, 9, bob).permit);
  CHECK(broker.ask(shop_ann, settings, 9, {}).permit);
  broker.unwant(house.pool(app_bob));
  CHECK(broker.ask(app_ann, settings, 9, {}).permit);
}

TEST_CASE("a place is left also for who still needs one in another limit, but not for who has all its own") {
  House house;
  PoolSettings settings;
  settings.max_db_connections = 1;
  const Broker::Turn bob{&house.pool(app_bob), at(2)};
  house.broker.want(house.pools->worker(), app_bob, bob, Refusal::max_user_connections);
  CHECK_FALSE(house.broker.ask(app_ann, settings, 9, {}).permit);
  house.broker.want(house.pools->worker(), app_bob, bob, Refusal::pool_size);
  CHECK(house.broker.ask(app_ann, settings, 9, {}).permit);
}

TEST_CASE(
    "a hungry pool is answered once, the one that has waited longest first, until it is refused again") {
  House house;
  Broker& broker = house.broker;
  const int worker = house.pools->worker();
  const PoolKey app_zoe{"app", "zoe"};
  const Broker::Turn bob{&house.pool(app_bob), at(3)};
  broker.want(worker, app_bob, bob, Refusal::max_db_connections);
  broker.want(worker, app_zoe, {&house.pool(app_zoe), at(2)}, Refusal::max_db_connections);
  CHECK_FALSE(broker.is_place_wanted(app_ann, {nullptr, at(2)}));
  CHECK_FALSE(broker.is_place_wanted(shop_ann, {}));
  CHECK(broker.is_place_wanted(app_ann, {nullptr, at(3)}));
  CHECK_FALSE(broker.is_place_wanted(app_ann, {nullptr, at(3)}));
  CHECK_FALSE(broker.is_place_wanted(app_bob, {bob.pool}));
  CHECK(broker.is_place_wanted(app_ann, {}));
  CHECK_FALSE(broker.is_anyone_hungry());
  broker.want(worker, app_bob, bob, Refusal::max_db_connections);
  CHECK(broker.is_anyone_hungry());
  CHECK(broker.is_place_wanted(app_ann, {}));
}

TEST_CASE("the schema's epoch counts its changes") {
  Broker broker;
  const std::uint64_t start = broker.schema_epoch();
  CHECK(start > 0);
  broker.schema_changed();
  broker.schema_changed();
  CHECK(broker.schema_epoch() == start + 2);
}

}  // namespace ballast
