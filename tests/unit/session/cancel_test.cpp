// Cancel requests: whose they are, when they are sent, and that they never hit anybody else.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::error_in;
using test::House;
using test::key_in;
using wire::types;

std::string cancel_packet(const CancelRequest& key) {
  std::string packet;
  write_cancel_request(packet, key.process_id, key.secret);
  return packet;
}
// The first server of a House says that its process id is 100, its secret 101.
const std::string to_first_server = cancel_packet({100, wire::int32(101)});

// A client in the middle of a query, and the key to cancel it with.
struct Running : House {
  explicit Running(const Settings& from = {}) : House(from) {
    client = log_in();
    key = key_in(welcome);
    client.send(frontend::query("SELECT pg_sleep(100)"));
    run();
    server().take();
  }
  test::FarEnd cancel(const CancelRequest& request) {
    test::FarEnd canceller = arrive();
    canceller.send(cancel_packet(request));
    run();
    return canceller;
  }
  std::size_t idle() const { return pools->pools().begin()->second->idle_count(); }

  test::FarEnd client;
  CancelRequest key;
};

}  // namespace

TEST_CASE(
    "a cancel reaches the server of the query, and the server is held until the connection closes [5.5-90]") {
  Running house;
  test::FarEnd canceller = house.cancel(house.key);
  REQUIRE(house.fake.connector.pending() == 1);
  REQUIRE(house.fake.connector.oldest().route);  // the very same server
  CHECK(house.fake.connector.oldest().route->address == house.server().connection().route->address);
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  CHECK(carrier.take() == to_first_server);
  CHECK_FALSE(canceller.is_gone());
  // The query ends before the cancel connection: nobody may have the server yet.
  house.server().send(backend::error("57014", "canceling statement due to user request") + backend::ready());
  test::FarEnd next = house.log_in();
  next.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(types(house.client.take()) == "EZ");
  CHECK(house.asked().empty());
  carrier.close();
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 1"));
  CHECK(canceller.is_gone());
  CHECK(carrier.is_gone());
  CHECK(house.counters().cancels_forwarded.value() == 1);
}

TEST_CASE("a CancelRequest cut at any byte does the same; a part of one does nothing [5.5-97]") {
  Running reference;
  const std::string packet = cancel_packet(reference.key);
  for (std::size_t cut = 0; cut <= packet.size(); ++cut) {
    CAPTURE(cut);
    Running house;
    test::FarEnd canceller = house.arrive();
    canceller.send(cancel_packet(house.key).substr(0, cut));
    house.run();
    CHECK(house.fake.connector.pending() == (cut == packet.size() ? 1 : 0));
    canceller.send(cancel_packet(house.key).substr(cut));
    house.run();
    CHECK(house.fake.connector.pending() == 1);
  }
}

TEST_CASE("a wrong secret, and the key of nobody, cancel nothing [5.5-91]") {
  Running house;
  CancelRequest wrong = house.key;
  wrong.secret[0] = static_cast<char>(wrong.secret[0] ^ 1);
  CancelRequest longer = house.key;
  longer.secret += "more";
  CancelRequest nobody = house.key;
  nobody.process_id += 256;
  for (const CancelRequest& request : {wrong, longer, nobody}) {
    test::FarEnd canceller = house.cancel(request);
    CHECK(canceller.is_gone());
    CHECK(canceller.take().empty());
  }
  CHECK(house.fake.connector.pending() == 0);
  CHECK(house.counters().cancels_unknown.value() == 3);
}

TEST_CASE("the key of a client that has gone cancels nothing [5.5-91]") {
  House house;
  test::FarEnd client = house.log_in();
  const CancelRequest key = key_in(house.welcome);
  client.close();
  house.run();
  test::FarEnd canceller = house.arrive();
  canceller.send(cancel_packet(key));
  house.run();
  CHECK(canceller.is_gone());
  CHECK(house.fake.connector.pending() == 0);
}

TEST_CASE("the key of another worker's client goes to that worker [5.5-91]") {
  House house;
  test::FarEnd canceller = house.arrive();
  canceller.send(cancel_packet({5 << 8 | 7, "secret"}));
  house.run();
  REQUIRE(house.elsewhere.size() == 1);
  CHECK(house.elsewhere[0].process_id == (5 << 8 | 7));
  CHECK(house.elsewhere[0].secret == "secret");
  CHECK(canceller.is_gone());
}

TEST_CASE("a cancel of an idle client, and of one idle in a transaction, sends nothing [5.5-90]") {
  House house;
  test::FarEnd client = house.log_in();
  const CancelRequest key = key_in(house.welcome);
  for (int round = 0; round < 2; ++round) {
    test::FarEnd canceller = house.arrive();
    canceller.send(cancel_packet(key));
    house.run();
    CHECK(canceller.is_gone());
    CHECK(house.fake.connector.pending() == 0);
    client.send(frontend::query("BEGIN"));
    house.run();
    house.server().send(backend::complete("BEGIN") + backend::ready('T'));
    house.run();
  }
  CHECK(types(client.take()) == "CZCZ");
}

TEST_CASE(
    "a cancel of a client that waits for a server is answered here, and the client goes on [5.5-90] "
    "[5.5-92]") {
  Running house;
  test::FarEnd waiter = house.log_in();
  const CancelRequest key = key_in(house.welcome);
  waiter.send(frontend::query("SELECT 1") + frontend::query("SELECT 2"));
  house.run();
  test::FarEnd canceller = house.cancel(key);
  const std::string answer = waiter.take();
  CHECK(types(answer) == "EZ");
  CHECK(error_in(answer).sqlstate == "57014");
  CHECK(canceller.is_gone());
  CHECK(house.fake.connector.pending() == 0);  // a sleeping database would not be woken
  CHECK(house.counters().cancels_local.value() == 1);
  house.server().send(backend::selected("done"));
  house.run();
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("a cancel whose query ends before the connect is not sent [5.5-90]") {
  Running house;
  test::FarEnd canceller = house.cancel(house.key);
  house.server().send(backend::selected("done"));
  house.run();
  CHECK(house.idle() == 0);  // held
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  CHECK(carrier.take().empty());
  CHECK(carrier.is_gone());
  CHECK(canceller.is_gone());
  CHECK(house.idle() == 1);
}

TEST_CASE(
    "a cancel does not hit a query of our own in front of the client's; it waits for that to end [5.5-90]") {
  House house;
  house.log_in();
  test::FarEnd tokyo = house.log_in("timezone\0Asia/Tokyo\0"s);
  const CancelRequest key = key_in(house.welcome);
  test::FarEnd plain = house.log_in();
  plain.send(frontend::query("SELECT 1"));
  house.run();
  house.server().take();
  house.server().send(backend::complete("RESET") + backend::ready() + backend::selected("1"));
  house.run();
  tokyo.send(frontend::query("SELECT pg_sleep(100)"));
  house.run();
  CHECK(house.asked() == "QQ");
  test::FarEnd canceller = house.arrive();
  canceller.send(cancel_packet(key));
  house.run();
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  CHECK(carrier.take().empty());
  house.pass(100ms);
  CHECK(carrier.take().empty());
  house.server().send(backend::complete("SELECT 1") + backend::ready());
  house.run();
  house.pass(100ms);
  CHECK(carrier.take() == to_first_server);
}

TEST_CASE(
    "a cancel connection that fails, breaks or answers with data ends the cancel, not the query [5.5-93]") {
  for (int how = 0; how < 3; ++how) {
    CAPTURE(how);
    Running house;
    test::FarEnd canceller = house.cancel(house.key);
    if (how == 0) {
      house.fake.connector.refuse("Connection refused");
    } else {
      test::FarEnd carrier = house.fake.connector.accept();
      house.run();
      if (how == 1) carrier.fail("Connection reset by peer");
      if (how == 2) carrier.send("data");
    }
    house.run();
    CHECK(canceller.is_gone());
    CHECK_FALSE(house.client.is_gone());
    CHECK(house.counters().server_connect_failures.value() == 0);
    house.server().send(backend::selected("done"));
    house.run();
    CHECK((house.client.take() == backend::selected("done")));
    CHECK(house.idle() == 1);
  }
}

TEST_CASE("cancel_wait_timeout gives up; a request that may still arrive retires its server [5.5-92]") {
  for (const bool was_sent : {false, true}) {
    CAPTURE(was_sent);
    Settings settings;
    settings.cancel_wait_timeout = 10s;
    Running house(settings);
    test::FarEnd canceller = house.cancel(house.key);
    if (was_sent) house.fake.connector.accept();
    house.run();
    house.pass(9s);
    CHECK_FALSE(canceller.is_gone());
    house.pass(1s);
    CHECK(canceller.is_gone());
    CHECK(house.fake.connector.pending() == 0);
    CHECK(house.counters().cancel_wait_timeouts.value() == 1);
    house.server().send(backend::selected("done"));
    house.run();
    CHECK(house.server().is_gone() == was_sent);
    CHECK(types(house.client.take()) == "TDCZ");
  }
}

TEST_CASE("cancel_wait_timeout = 0 waits for ever") {
  Settings settings;
  settings.cancel_wait_timeout = 0s;
  Running house(settings);
  test::FarEnd canceller = house.cancel(house.key);
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  house.pass(1h);
  CHECK_FALSE(canceller.is_gone());
  CHECK(house.counters().cancel_wait_timeouts.value() == 0);
  carrier.close();
  house.run();
  CHECK(canceller.is_gone());
}

TEST_CASE("a server that dies first ends its cancel too") {
  Running house;
  test::FarEnd canceller = house.cancel(house.key);
  house.server().close();
  house.run();
  CHECK(house.client.is_gone());
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  CHECK(carrier.take().empty());
  CHECK(carrier.is_gone());
  CHECK(canceller.is_gone());
}

TEST_CASE(
    "a client that gives up while its cancel is under way leaves the server held until the end [5.5-96]") {
  Running house;
  house.cancel(house.key);
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  house.client.close();
  house.run();
  CHECK(house.client.is_gone());
  CHECK_FALSE(house.server().is_gone());
  carrier.close();
  house.run();
  CHECK(house.server().is_gone());  // in the middle of a query: it is not reused
  CHECK(carrier.is_gone());
  CHECK(house.sessions->is_empty());
}

TEST_CASE("a canceller that hangs up before its cancel is done does no harm [5.5-96]") {
  Running house;
  test::FarEnd canceller = house.cancel(house.key);
  canceller.close();
  house.run();
  CHECK(canceller.is_gone());
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  CHECK(carrier.take() == to_first_server);
  carrier.close();
  house.run();
  CHECK(carrier.is_gone());
}

TEST_CASE("a storm of cancels is bounded, and every connection closes [5.5-95]") {
  Running house;
  std::vector<test::FarEnd> cancellers;
  for (int i = 0; i < 1000; ++i) cancellers.push_back(house.cancel(house.key));
  CHECK(house.fake.connector.pending() <= 64);
  std::vector<test::FarEnd> carriers;
  while (house.fake.connector.pending() > 0) carriers.push_back(house.fake.connector.accept());
  house.run();
  for (test::FarEnd& carrier : carriers) carrier.close();
  house.run();
  for (const test::FarEnd& canceller : cancellers) CHECK(canceller.is_gone());
  for (const test::FarEnd& carrier : carriers) CHECK(carrier.is_gone());
  CHECK(house.sessions->size() == 1);
  house.server().send(backend::selected("done"));
  house.run();
  CHECK(house.idle() == 1);
}

TEST_CASE("a drain waits for a cancel that is under way") {
  Running house;
  house.cancel(house.key);
  test::FarEnd carrier = house.fake.connector.accept();
  house.run();
  house.server().send(backend::error("57014", "canceled") + backend::ready());
  house.run();
  house.sessions->drain();
  house.run();
  CHECK_FALSE(house.sessions->is_empty());
  carrier.close();
  house.run();
  CHECK(house.sessions->is_empty());
}

// Keys ------------------------------------------------------------------------------------------------------

TEST_CASE("every client has a process id of its own, positive, that names its worker") {
  House house;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 50; ++i) {
    house.log_in();
    ids.push_back(key_in(house.welcome).process_id);
    CHECK(ids.back() > 0);
    CHECK(CancelKeys::worker_of(ids.back()) == 3);
  }
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

}  // namespace ballast
