#include "proxy/app/administration.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "proxy/io/resolver.hpp"

#include "tests/unit/app/steered.hpp"

namespace ballast {
namespace {

using State = Administration::State;
using Strings = std::vector<std::string>;

// With a worker, and a server that a pause waits for.
struct WithServer {
  WithServer() {
    steered.household.workers.push_back(std::make_unique<Worker>(
        0, steered.household, resolver, LiveSettings::configuration(steered.settings.settings())));
    steered.household.workers.front()->start();
    held = steered.household.broker.ask({"app", "ann"},
                                        steered.settings.settings().pool_settings("app", "ann"), 1, {});
    REQUIRE(held.permit);
  }
  ~WithServer() { steered.household.workers.clear(); }

  std::size_t turn() {
    steered.control.restart();
    return steered.control.poll();
  }
  template <typename Condition>
  bool comes_true(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
      turn();
    }
    return true;
  }
  // Neither a timer nor a task, here or on its way from the worker.
  bool is_at_rest() {
    std::promise<void> turned;
    steered.household.workers.front()->with([&turned](PoolSet&, SessionSet&) { turned.set_value(); });
    turned.get_future().wait();
    return turn() == 0 && steered.control.stopped();
  }

  Resolver resolver;
  Steered steered;
  Broker::Answer held;
};

}  // namespace

TEST_CASE("what is paused can't be paused again, and what is not can't be resumed") {
  Steered steered;
  CHECK(steered.resume() == "pooler is not paused/suspended");
  CHECK(steered.pause() == "");
  CHECK(steered.administration.state() == State::paused);
  CHECK(steered.administration.gates().is_paused("whatever"));
  CHECK(steered.pause() == "already suspended/paused");
  CHECK(steered.pause("app") == "already suspended/paused");
  CHECK(steered.resume() == "");
  CHECK(steered.administration.state() == State::active);
}

TEST_CASE("one database is paused and resumed by its name") {
  Steered steered;
  CHECK(steered.pause("shop") == "");
  CHECK(steered.administration.gates().is_paused("shop"));
  CHECK_FALSE(steered.administration.gates().is_paused("app"));
  CHECK(steered.administration.state() == State::active);
  CHECK(steered.resume("app") == "database app is not paused");
  CHECK(steered.resume() == "pooler is not paused/suspended");
  CHECK(steered.resume("shop") == "");
  CHECK_FALSE(steered.administration.gates().is_paused("shop"));
}

TEST_CASE("a pause that is given up is waited for no more: cancelled it is taken back, else it stands") {
  for (const auto end : {Patience::End::canceled, Patience::End::left}) {
    const bool stands = end == Patience::End::left;
    for (const std::string database : {"", "app"}) {
      CAPTURE(database);
      CAPTURE(stands);
      WithServer house;
      const Gates& gates = house.steered.administration.gates();
      const Patience patience;
      std::optional<std::string> told;
      house.steered.administration.pause(
          database, [&told](const PgError& error) { told = error.message; }, patience);
      CHECK(house.comes_true([&] { return gates.is_paused("app"); }));
      CHECK_FALSE(house.is_at_rest());
      CHECK_FALSE(told);
      patience.end(end);
      CHECK(house.comes_true([&] { return told.has_value(); }));
      CHECK(told == "canceling statement due to user request");
      CHECK(gates.is_paused("app") == stands);
      CHECK(house.is_at_rest());
    }
  }
}

TEST_CASE("a database that nobody knows is refused") {
  Steered steered;
  CHECK(steered.pause("shpo") == "no such database: shpo");
  auto& administration = steered.administration;
  for (const auto command : {&Administration::resume, &Administration::kill, &Administration::reconnect,
                             &Administration::disable, &Administration::enable}) {
    CHECK(steered.outcome([&](auto done) { (administration.*command)("shpo", done); }) ==
          "no such database: shpo");
  }
  CHECK(steered.outcome([&](auto done) { administration.wait_close("shpo", done); }) ==
        "no such database: shpo");
}

TEST_CASE("a database is disabled and enabled") {
  Steered steered;
  auto& administration = steered.administration;
  CHECK(steered.outcome([&](auto done) { administration.disable("app", done); }) == "");
  CHECK(administration.gates().is_disabled("app"));
  CHECK_FALSE(administration.gates().is_disabled("shop"));
  CHECK(steered.outcome([&](auto done) { administration.enable("app", done); }) == "");
  CHECK_FALSE(administration.gates().is_disabled("app"));
  CHECK(steered.outcome([&](auto done) { administration.disable("", done); }) == "a database is required");
  CHECK(steered.outcome([&](auto done) { administration.enable("", done); }) == "a database is required");
}

TEST_CASE("a killed database is paused") {
  Steered steered;
  auto& administration = steered.administration;
  CHECK(steered.outcome([&](auto done) { administration.kill("shop", done); }) == "");
  CHECK(administration.gates().is_paused("shop"));
  CHECK(steered.outcome([&](auto done) { administration.kill("", done); }) == "");
  CHECK(administration.state() == State::paused);
  CHECK(steered.outcome([&](auto done) { administration.kill("", done); }) == "already suspended/paused");
  CHECK(steered.resume() == "");
}

TEST_CASE("to suspend holds the doors until resume") {
  Steered steered;
  auto& administration = steered.administration;
  const auto suspend = [&](auto done) { administration.suspend(done); };
  CHECK(steered.pause("shop") == "");
  CHECK(steered.outcome(suspend) == "cannot suspend with paused databases");
  CHECK(steered.resume("shop") == "");
  CHECK(steered.outcome(suspend) == "");
  CHECK(administration.state() == State::suspended);
  CHECK(steered.pause() == "already suspended/paused");
  CHECK(steered.outcome(suspend) == "already suspended/paused");
  CHECK(steered.resume() == "");
  CHECK(administration.state() == State::active);
  CHECK(steered.did == Strings{"hold", "open"});
}

TEST_CASE("a client that is not there is not found") {
  Steered steered;
  CHECK(steered.outcome([&](auto done) { steered.administration.kill_client(7, done); }) ==
        "client not found");
}

TEST_CASE("who leaves takes no other command, and ends when the last client has left") {
  Steered steered;
  auto& administration = steered.administration;
  const auto shutdown = [&](auto done) { administration.shutdown(Shutdown::wait_for_clients, done); };
  CHECK(steered.outcome(shutdown) == "");
  CHECK(administration.state() == State::leaving);
  CHECK(steered.did == Strings{"leaving", "leave"});
  CHECK(steered.outcome(shutdown) == "pooler is shutting down");
  CHECK(steered.pause() == "pooler is shutting down");
  CHECK(steered.resume() == "pooler is shutting down");
}

TEST_CASE("an immediate shutdown is never answered") {
  Steered steered;
  CHECK_FALSE(
      steered.outcome([&](auto done) { steered.administration.shutdown(Shutdown::now, done); }).has_value());
  CHECK(steered.did == Strings{"leave"});
}

TEST_CASE("a setting is changed until the next reload, with the errors that it has at start") {
  Steered steered;
  const auto set = [&](const std::string& name, const std::string& value) {
    return *steered.outcome([&](auto done) { steered.administration.set(name, value, done); });
  };
  CHECK(set("default_pool_size", "7") == "");
  CHECK(steered.settings.settings().default_pool_size == 7);
  CHECK(source_of(steered.settings.options(), "default_pool_size") == "SET");
  CHECK(set("query_wait_timeout", "soon")
            .starts_with("query_wait_timeout = \"soon\" (from SET): not a duration"));
  CHECK(set("default_pool_siz", "7") == "default_pool_siz: unknown setting; did you mean default_pool_size?");
  CHECK(set("min_pool_size", "8").starts_with("min_pool_size = 8 is above the pool's size 7"));
  CHECK(set("workers", "8").starts_with("workers can't be changed while Ballast runs"));
  CHECK(set("upstream_url", "postgresql://x:secret@y/z").starts_with("upstream_url can't be SET"));
  CHECK(steered.settings.settings().default_pool_size == 7);
  CHECK(steered.settings.settings().min_pool_size == 0);
}

}  // namespace ballast
