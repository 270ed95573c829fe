// What an ended client had asked for ends too: the cancels of our own.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using test::House;

// Its client has been ended in the middle of a query, and a cancel of our own is on its way to the server.
struct Stopping : House {
  explicit Stopping(const Settings& from = {}) : House(from) {
    test::FarEnd client = log_in();
    client.send(frontend::query("SELECT pg_sleep(100)"));
    run();
    REQUIRE(sessions->kill_client(sessions->sessions().front()->id()));
    run();
    REQUIRE(client.is_gone());
    // The first server of a House says that its process id is 100, its secret 101.
    write_cancel_request(request, 100, wire::int32(101));
  }
  // The cancel reaches the server, and its connection closes.
  void deliver() {
    REQUIRE(fake.connector.pending() == 1);
    test::FarEnd carrier = fake.connector.accept();
    run();
    CHECK(carrier.take() == request);
    carrier.close();
    run();
    CHECK(carrier.is_gone());
  }

  std::string request;
};

}  // namespace

TEST_CASE("a cancel that came before the query began is sent again, until the query has ended") {
  Stopping house;
  house.deliver();
  CHECK_FALSE(house.server().is_gone());
  house.pass(100ms);
  house.deliver();
  house.pass(100ms);
  CHECK(house.fake.connector.pending() == 0);  // ever more seldom
  house.pass(100ms);
  house.deliver();
  house.server().send(backend::error("57014", "canceling statement due to user request") + backend::ready());
  house.run();
  house.pass(400ms);
  CHECK(house.fake.connector.pending() == 0);
  CHECK(house.server().is_gone());  // one more cancel might hit its next owner
  CHECK(house.counters().cancel_wait_timeouts.value() == 0);
}

TEST_CASE("a cancel whose connection fails is tried again") {
  Stopping house;
  house.fake.connector.refuse("Connection refused");
  house.run();
  CHECK_FALSE(house.server().is_gone());
  house.pass(100ms);
  house.deliver();
}

TEST_CASE("a query that no cancel ends is left to itself after cancel_wait_timeout") {
  Settings settings;
  settings.cancel_wait_timeout = 1s;
  Stopping house(settings);
  int sent = 0;
  for (int tenths = 0; tenths < 9; ++tenths) {
    for (; house.fake.connector.pending() > 0; ++sent) house.deliver();
    house.pass(100ms);
    CHECK_FALSE(house.server().is_gone());
  }
  CHECK(sent == 4);  // after 0, 100, 300 and 700 ms
  house.pass(100ms);
  CHECK(house.server().is_gone());
  CHECK(house.counters().cancel_wait_timeouts.value() == 1);
  CHECK(house.fake.connector.pending() == 0);
}

TEST_CASE("it is over when the server has gone") {
  Stopping house;
  house.deliver();
  house.server().close();
  house.run();
  house.pass(100ms);
  CHECK(house.fake.connector.pending() == 0);
  house.sessions->drain();
  CHECK(house.sessions->is_empty());
}

}  // namespace ballast
