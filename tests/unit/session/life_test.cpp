// Timeouts, limits, backpressure and the end of a client's session.
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
using wire::types;

const std::string in_transaction = backend::complete("BEGIN") + backend::ready('T');

struct Told {
  std::string code;
  std::string setting;
};
// The client has been told that, as FATAL, and is gone.
void check_end(test::FarEnd client, const Told& told) {
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == told.code);
  CHECK(error.message.find(told.setting) != std::string::npos);
  CHECK(client.is_gone());
}

}  // namespace

// Timeouts --------------------------------------------------------------------------------------------------

TEST_CASE("client_idle_timeout ends a client that asks nothing, and counts from its last answer") {
  Settings settings;
  settings.client_idle_timeout = 60s;
  House house(settings);
  test::FarEnd client = house.log_in();
  house.pass(59s);
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.pass(100s);  // a query is not idleness
  CHECK_FALSE(client.is_gone());
  house.server().send(backend::selected("1"));
  house.run();
  client.take();
  house.pass(59s);
  CHECK_FALSE(client.is_gone());
  house.pass(1s);
  check_end(client, {"57P05", "client_idle_timeout"});
  CHECK(house.counters().client_idle_timeouts.value() == 1);
}

TEST_CASE("query_timeout ends a client whose query takes too long") {
  Settings settings;
  settings.query_timeout = 10s;
  House house(settings);
  test::FarEnd client = house.log_in();
  house.pass(100s);
  client.send(frontend::query("SELECT pg_sleep(100)"));
  house.run();
  house.pass(9s);
  CHECK_FALSE(client.is_gone());
  house.pass(1s);
  CHECK(house.counters().query_timeouts.value() == 1);
  for (int i = 0; i < 20; ++i) house.pass(1s);
  check_end(client, {"57014", "query_timeout"});
}

TEST_CASE("query_timeout does not count the time between two queries, nor in the queue") {
  Settings settings;
  settings.query_timeout = 10s;
  House house(settings);
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  holder.send(frontend::query("BEGIN"));
  house.run();
  house.server().send(in_transaction);
  house.run();
  house.pass(100s);
  CHECK_FALSE(holder.is_gone());
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.pass(50s);
  holder.send(frontend::query("COMMIT"));
  house.run();
  house.server().send(backend::complete("COMMIT") + backend::ready());
  house.run();
  house.pass(9s);
  CHECK_FALSE(client.is_gone());
}

TEST_CASE("idle_transaction_timeout ends a client that does nothing in a transaction, and rolls it back") {
  Settings settings;
  settings.idle_transaction_timeout = 10s;
  House house(settings);
  test::FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN"));
  house.run();
  house.pass(60s);  // the query itself takes a while
  CHECK_FALSE(client.is_gone());
  house.server().take();
  house.server().send(in_transaction);
  house.run();
  client.take();
  house.pass(9s);
  client.send(frontend::query("SELECT 1"));
  house.run();
  house.server().send(backend::complete("SELECT 1") + backend::ready('T'));
  house.run();
  client.take();
  house.pass(9s);
  CHECK_FALSE(client.is_gone());
  house.server().take();
  house.pass(1s);
  check_end(client, {"25P03", "idle_transaction_timeout"});
  CHECK(house.server().take() == frontend::query("ROLLBACK"));
  CHECK(house.counters().idle_transaction_timeouts.value() == 1);
}

TEST_CASE("timeouts that are 0 never come") {
  House house;
  test::FarEnd idle = house.log_in();
  test::FarEnd busy = house.log_in();
  busy.send(frontend::query("BEGIN"));
  house.run();
  house.server().send(in_transaction);
  house.run();
  house.pass(1000h);
  CHECK_FALSE(idle.is_gone());
  CHECK_FALSE(busy.is_gone());
}

TEST_CASE("a client that does not read its last word is not waited for") {
  Settings settings;
  settings.client_idle_timeout = 10s;
  settings.client_login_timeout = 5s;
  House house(settings);
  test::FarEnd client = house.log_in();
  client.limit_room(0);
  house.pass(10s);
  CHECK_FALSE(client.is_gone());
  house.pass(5s);
  CHECK(client.is_gone());
  CHECK(house.clients.load() == 0);
}

// Limits ----------------------------------------------------------------------------------------------------

TEST_CASE(
    "max_client_conn refuses the client above it with 53300, and a place that becomes free is given again") {
  Settings settings;
  settings.max_client_conn = 2;
  House house(settings);
  test::FarEnd one = house.log_in();
  test::FarEnd two = house.log_in();
  test::FarEnd three = house.knock();
  check_end(three, {"53300", "max_client_conn"});
  CHECK(house.counters().clients_refused_max_client_conn.value() == 1);
  CHECK(house.clients.load() == 2);
  one.close();
  house.run();
  CHECK(house.clients.load() == 1);
  house.log_in();
  CHECK(house.clients.load() == 2);
}

TEST_CASE("a client that has not logged in counts for nothing, and is given nothing back") {
  House house;
  for (int i = 0; i < 10; ++i) {
    test::FarEnd client = house.arrive();
    house.run();
    CHECK(house.clients.load() == 0);
    client.close();
    house.run();
  }
  CHECK(house.clients.load() == 0);
  CHECK(house.sessions->is_empty());
  CHECK(house.counters().clients_accepted.value() == 10);
}

// Draining --------------------------------------------------------------------------------------------------

TEST_CASE("a drain ends idle clients at once and the others at the end of their transaction [5.7-118]") {
  House house;
  test::FarEnd idle = house.log_in();
  test::FarEnd busy = house.log_in();
  test::FarEnd queued = house.log_in();
  busy.send(frontend::query("BEGIN"));
  house.run();
  house.server().send(in_transaction);
  house.run();
  busy.take();
  queued.send(frontend::query("SELECT 1"));
  house.run();
  house.sessions->drain();
  house.run();
  check_end(idle, {"57P01", "administrator command"});
  CHECK_FALSE(busy.is_gone());
  CHECK_FALSE(queued.is_gone());
  busy.send(frontend::query("COMMIT"));
  house.run();
  house.server().send(backend::complete("COMMIT") + backend::ready());
  house.run();
  const std::string last = busy.take();
  CHECK(types(last) == "CZE");
  CHECK(busy.is_gone());
  house.server().send(backend::selected("1"));
  house.run();
  CHECK(types(queued.take()) == "TDCZE");
  CHECK(queued.is_gone());
  CHECK(house.sessions->is_empty());
}

TEST_CASE("a client that logs in during a drain is told to go") {
  House house;
  house.log_in();
  house.sessions->drain();
  test::FarEnd late = house.knock();
  CHECK(error_in(late.take()).sqlstate == "57P01");
  CHECK(late.is_gone());
}

// Backpressure ----------------------------------------------------------------------------------------------

TEST_CASE(
    "a client that does not read stops its server, with bounded memory, and then gets it all [5.8-127]") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT large"));
  house.run();
  client.limit_room(0);
  std::string answer = backend::row_description;
  for (int i = 0; i < 200; ++i) answer += backend::row(std::string(50'000, static_cast<char>('a' + i % 26)));
  answer += backend::complete("SELECT 200") + backend::ready();
  house.server().send(answer);
  house.run();
  CHECK_FALSE(house.server().is_being_read());
  const std::size_t left = house.server().connection().unread.size();
  CHECK(answer.size() - left < 1'000'000);
  client.limit_room(test::unlimited);
  house.run();
  CHECK((client.take() == answer));
  CHECK(house.pools->pools().begin()->second->idle_count() == 1);
}

TEST_CASE("a slow reader gets every byte in order, however little it takes at a time") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  client.limit_room(0);
  std::string answer;
  for (int i = 0; i < 300; ++i) answer += backend::row("row " + std::to_string(i));
  answer += backend::complete("SELECT 300") + backend::ready();
  house.server().send(answer);
  house.run();
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < answer.size(); ++i) {
    client.limit_room(7);
    house.run();
    got += client.take();
  }
  CHECK((got == answer));
  CHECK(client.connection().is_offered_again);
}

TEST_CASE("a server that does not take a large message stops its client, with bounded memory [5.8-126]") {
  House house;
  test::FarEnd client = house.log_in();
  const std::string query = frontend::query(std::string(5'000'000, 'q'));
  house.server().limit_room(0);
  client.send(query);
  house.run();
  CHECK_FALSE(client.is_being_read());
  CHECK(query.size() - client.connection().unread.size() < 1'000'000);
  house.server().limit_room(test::unlimited);
  house.run();
  CHECK((house.server().take() == query));
  CHECK(client.is_being_read());
}

TEST_CASE("a client that waits for a server is read for a while and then left to wait") {
  House house;
  test::FarEnd holder = house.log_in();
  test::FarEnd client = house.log_in();
  holder.send(frontend::query("BEGIN"));
  house.run();
  house.server().take();
  std::string batch;
  for (int i = 0; i < 20'000; ++i) batch += frontend::query("SELECT " + std::to_string(i));
  client.send(batch);
  house.run();
  CHECK_FALSE(client.is_being_read());
  CHECK(client.connection().unread.size() > batch.size() / 2);
  house.server().send(backend::complete("SELECT 1") + backend::ready());
  house.run();
  std::string asked = house.server().take();
  for (int i = 0; i < 20'000 && asked.size() < batch.size(); ++i) {
    house.server().send(backend::complete("SELECT 1") + backend::ready());
    house.run();
    asked += house.server().take();
  }
  CHECK((asked == batch));
}

TEST_CASE("a client's readable event takes a bounded part of what it sends [5.8-130]") {
  House house;
  test::FarEnd client = house.log_in();
  std::string batch;
  while (batch.size() < 2'000'000) batch += frontend::query("SELECT 1");
  client.send(batch);
  house.fake.loop.run_once();
  CHECK(batch.size() - client.connection().unread.size() <= 4 * 65'536);
}

TEST_CASE("both ways at once: a pipeline larger than every buffer and its answers come through [5.8-126]") {
  House house;
  test::FarEnd client = house.log_in();
  std::string batch;
  std::string answers;
  for (int i = 0; i < 3000; ++i) {
    batch += frontend::query("SELECT " + std::string(100, 'x'));
    answers += backend::selected(std::string(100, 'y'));
  }
  client.limit_room(0);
  client.send(batch);
  house.server().send("");
  house.run();
  std::string asked = house.server().take();
  house.server().send(answers);
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < answers.size(); ++i) {
    client.limit_room(5000);
    house.run();
    got += client.take();
    asked += house.server().take();
  }
  CHECK((asked == batch));
  CHECK((got == answers));
}

TEST_CASE("a client that pipelines more requests than a server may owe waits for answers and loses none") {
  House house;
  test::FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN"));
  house.run();
  house.server().take();
  house.server().send(in_transaction);
  house.run();
  client.take();
  constexpr std::size_t count = 200'000;
  std::string batch;
  for (std::size_t i = 0; i < count; ++i) batch += frontend::sync;
  client.send(batch);
  house.run();
  CHECK_FALSE(client.is_being_read());
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (int i = 0; i < 1000 && answered < count; ++i) {
    const std::size_t fresh = house.server().take().size() / frontend::sync.size();
    asked += fresh;
    std::string answers;
    for (std::size_t j = 0; j < fresh; ++j) answers += backend::ready('T');
    house.server().send(answers);
    house.run();
    answered += client.take().size() / backend::ready().size();
  }
  CHECK(asked == count);
  CHECK(answered == count);
}

}  // namespace ballast
