#include "proxy/pool/broker.hpp"

#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

const PoolKey app_ann{"app", "ann"};
const PoolKey app_bob{"app", "bob"};
const PoolKey shop_ann{"shop", "ann"};

using Refusal = Broker::Refusal;

}  // namespace

TEST_CASE("a pool gets as many permits as its size, and the next when one comes back") {
  Broker broker;
  const PoolSettings settings;
  std::vector<Permit> permits;
  for (int i = 0; i < 3; ++i) {
    Broker::Answer answer = broker.ask(app_ann, settings, 3);
    CHECK(answer.permit);
    permits.push_back(std::move(answer.permit));
  }
  CHECK(broker.servers(app_ann) == 3);
  const Broker::Answer refused = broker.ask(app_ann, settings, 3);
  CHECK_FALSE(refused.permit);
  CHECK(refused.refusal == Refusal::pool_size);
  permits.pop_back();
  CHECK(broker.servers(app_ann) == 2);
  CHECK(broker.ask(app_ann, settings, 3).permit);
}

TEST_CASE("max_db_connections counts the pools of a database together") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 2;
  const Broker::Answer one = broker.ask(app_ann, settings, 5);
  const Broker::Answer two = broker.ask(app_bob, settings, 5);
  CHECK(broker.ask(app_ann, settings, 5).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(app_bob, settings, 5).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(shop_ann, settings, 5).refusal == Refusal::none);
}

TEST_CASE("max_user_connections counts the pools of a user together") {
  Broker broker;
  PoolSettings settings;
  settings.max_user_connections = 2;
  const Broker::Answer one = broker.ask(app_ann, settings, 5);
  const Broker::Answer two = broker.ask(shop_ann, settings, 5);
  CHECK(broker.ask(app_ann, settings, 5).refusal == Refusal::max_user_connections);
  CHECK(broker.ask(app_bob, settings, 5).refusal == Refusal::none);
}

TEST_CASE("the first limit that is reached is the one that is named") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 1;
  settings.max_user_connections = 1;
  const Broker::Answer only = broker.ask(app_ann, settings, 1);
  CHECK(broker.ask(app_ann, settings, 1).refusal == Refusal::pool_size);
  CHECK(broker.ask(app_ann, settings, 2).refusal == Refusal::max_db_connections);
  CHECK(broker.ask(shop_ann, settings, 2).refusal == Refusal::max_user_connections);
}

TEST_CASE("a refusal takes no place") {
  Broker broker;
  PoolSettings settings;
  settings.max_db_connections = 1;
  {
    const Broker::Answer only = broker.ask(app_ann, settings, 1);
    for (int i = 0; i < 10; ++i) CHECK_FALSE(broker.ask(app_bob, settings, 1).permit);
    CHECK(broker.servers(app_bob) == 0);
  }
  CHECK(broker.ask(app_bob, settings, 1).permit);
}

TEST_CASE("a permit that moves counts once, wherever it ends [5.7-111]") {
  Broker broker;
  const PoolSettings settings;
  Permit first = broker.ask(app_ann, settings, 9).permit;
  Permit second = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left of it is the point
  CHECK(second);
  CHECK(broker.servers(app_ann) == 1);
  Permit third = broker.ask(app_ann, settings, 9).permit;
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
  for (int i = 0; i < 4; ++i) permits.push_back(broker.ask(app_ann, settings, 4).permit);
  for (int left = 4; left >= 2; --left) {
    CHECK_FALSE(broker.ask(app_ann, settings, 2).permit);
    permits.pop_back();
  }
  CHECK(broker.ask(app_ann, settings, 2).permit);
}

TEST_CASE("permits of several workers add up") {
  Broker broker;
  const PoolSettings settings;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&broker, &settings] {
      for (int round = 0; round < 500; ++round) {
        const Broker::Answer a = broker.ask(app_ann, settings, 3);
        const Broker::Answer b = broker.ask(app_bob, settings, 1000);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(broker.servers(app_ann) == 0);
  CHECK(broker.servers(app_bob) == 0);
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
