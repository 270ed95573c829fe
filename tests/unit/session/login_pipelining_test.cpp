// A read that leaves with the last message of its server's login, and what becomes of it if that does not let
// us in.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string select = frontend::query("SELECT a FROM t");
const std::string insert = frontend::query("INSERT INTO t VALUES (1)");
const std::string inserted = backend::complete("INSERT 0 1") + backend::ready();
const std::string wants_password = wire::message('R', wire::int32(3));
const std::string password = wire::message('p', "pencil\0"s);

Settings verified() {
  Settings settings;
  settings.scale_to_zero = ScaleToZero::on;
  settings.upstream.sslmode = SslMode::verify_full;
  settings.upstream.password = "pencil";
  return settings;
}

// A client of a database that sleeps.
struct Inn : House {
  explicit Inn(const Settings& from = verified(), const std::string& startup = {}) : House(from) {
    client = log_in(startup);
    fall_asleep();
  }
  void fall_asleep() {
    server().close();
    run();
  }
  void says(const std::string& bytes) {
    client.send(bytes);
    run();
  }
  // Up to the point where only the server's verdict is awaited. What leaves in the last write?
  std::string last_word() {
    REQUIRE(fake.connector.pending() > 0);
    servers.push_back(fake.connector.accept());
    servers.back().send(wants_password);
    run();
    std::vector<std::string> writes = servers.back().take_writes();
    return writes.empty() ? "" : writes.back();
  }
  void answers(const std::string& bytes) {
    server().send(bytes);
    run();
  }
  void refuses(const std::string& code, const std::string& text) {
    answers(backend::error(code, text, "FATAL"));
    pass(2s);  // the pause before the next attempt
  }
  std::uint64_t ridden() { return counters().requests_with_login.value(); }
  PoolFigures figures() { return pools->pools().begin()->second->figures(); }

  FarEnd client;
};

}  // namespace

TEST_CASE("a read leaves in one write with the login's last message, and is answered as any other") {
  const std::string answer = backend::welcome() + backend::selected("1");
  wire::at_every_cut(answer.size(), [&](std::size_t offset, std::size_t piece) {
    Inn house;
    house.says(select);
    CHECK(house.last_word() == password + select);
    house.answers(answer.substr(0, offset));
    for (std::size_t at = offset; at < answer.size(); at += piece) house.answers(answer.substr(at, piece));
    CHECK(house.client.take() == backend::selected("1"));
    CHECK(house.ridden() == 1);
    house.says(insert);
    CHECK(house.server().take() == insert);  // on the same server, which is like any other now
  });
}

TEST_CASE("until the server lets us in its client waits, and the server is being connected") {
  Inn house;
  house.says(select);
  house.last_word();
  CHECK(house.figures().clients_waiting == 1);
  CHECK(house.figures().servers_connecting == 1);
  CHECK(house.figures().servers_active == 0);
  CHECK(house.broker.upstream().state() == Upstream::State::waking);
  house.answers(backend::welcome());
  CHECK(house.figures().clients_waiting == 0);
  CHECK(house.figures().servers_active == 1);
  CHECK(house.broker.upstream().state() == Upstream::State::awake);
}

TEST_CASE("what a read needs to be in its client's state rides in front of it") {
  Inn house(verified(), "TimeZone\0Asia/Tokyo\0"s);
  house.says(select);
  const std::string sent = house.last_word();
  CHECK(sent.starts_with(password));
  CHECK(sent.ends_with(select));
  CHECK(sent.find("Asia/Tokyo") != std::string::npos);
  house.answers(backend::welcome() + backend::complete("SET") + backend::ready() + backend::selected("1"));
  CHECK(house.client.take() == backend::selected("1"));
}

TEST_CASE("prepared statements ride too") {
  Inn house;
  house.says(frontend::parse("", "SELECT 1") + frontend::bind("", "") + frontend::execute() + frontend::sync);
  const std::string sent = house.last_word();
  CHECK(wire::types(sent) == "pPBES");
  house.answers(backend::welcome() + backend::parse_complete + backend::bind_complete + backend::row("1") +
                backend::complete("SELECT 1") + backend::ready());
  CHECK(wire::types(house.client.take()) == "12DCZ");
}

TEST_CASE("what may not be done twice waits for the end of the login") {
  for (const std::string& request : {insert, frontend::query("SELECT nextval('s')")}) {
    Inn house;
    house.says(request);
    CHECK(house.last_word() == password);
    house.answers(backend::welcome());
    CHECK(house.server().take() == request);
    CHECK(house.ridden() == 0);
  }
}

TEST_CASE(
    "nothing rides to a server that no certificate has proved, to one that never sleeps, or if it is off") {
  Settings unproved = verified();
  unproved.upstream.sslmode = SslMode::require;
  Settings awake = verified();
  awake.scale_to_zero = ScaleToZero::off;
  Settings off = verified();
  off.login_pipelining = Switch::off;
  Settings session_pooling = verified();
  session_pooling.pool_mode = PoolMode::session;
  for (const Settings& settings : {unproved, awake, off, session_pooling}) {
    Inn house(settings);
    house.says(select);
    CHECK_FALSE(house.last_word().ends_with(select));
    CHECK(house.ridden() == 0);
  }
}

TEST_CASE("who might be refused before the login is over does not ride") {
  Settings settings = verified();
  settings.query_wait_timeout = settings.server_connect_timeout / 2;
  Inn house(settings);
  house.says(select);
  CHECK(house.last_word() == password);
}

// Logins that fail
// -------------------------------------------------------------------------------------------

TEST_CASE("a login that fails for the moment costs the read nothing, however often") {
  Inn house;
  house.says(select);
  for (int times = 0; times < 5; ++times) {
    CHECK(house.last_word() == password + select);
    CHECK(house.fake.connector.pending() == 0);
    house.refuses("57P03", "the database system is starting up");
    CHECK(house.client.take().empty());
    CHECK(house.figures().clients_waiting == 1);
  }
  CHECK(house.last_word() == password + select);
  house.answers(backend::welcome() + backend::selected("1"));
  CHECK(house.client.take() == backend::selected("1"));
  CHECK(house.counters().requests_resent.value() == 0);
  CHECK(house.counters().server_connect_failures.value() == 5);
}

TEST_CASE("a login that fails for good is told, and the client stays") {
  Inn house;
  house.says(select);
  house.last_word();
  house.answers(backend::error("28P01", "password authentication failed for user \"ann\"", "FATAL"));
  const std::string told = house.client.take();
  CHECK(wire::types(told) == "EZ");
  CHECK(error_in(told).sqlstate == "28P01");
  CHECK(error_in(told).severity == Severity::error);
  CHECK_FALSE(house.client.is_gone());
}

TEST_CASE("a read whose server closes, breaks or is silent during its login is asked of another") {
  for (const std::string how : {"closes", "breaks", "silent"}) {
    Inn house;
    house.says(select);
    house.last_word();
    if (how == "closes") house.server().close();
    if (how == "breaks") house.server().fail("Connection reset by peer");
    house.run();
    if (how == "silent") house.pass(house.settings.server_connect_timeout);
    house.pass(2s);
    CHECK(house.client.take().empty());
    CHECK(house.last_word() == password + select);
    house.answers(backend::welcome() + backend::selected("1"));
    CHECK(house.client.take() == backend::selected("1"));
    const Upstream::Census census = house.broker.upstream().census();
    CHECK(census.connecting == 0);
    CHECK(census.connected == 1);
  }
}

TEST_CASE(
    "a server that greets otherwise than the last one has answered in the wrong state: another is asked") {
  Inn house;
  house.says(select);
  house.last_word();
  std::string welcome = backend::welcome();
  welcome.replace(welcome.find("UTC"), 3, "GMT");
  house.answers(welcome + backend::selected("wrong"));
  CHECK(house.client.take().empty());
  CHECK(house.server().is_gone());
  CHECK(house.last_word() == password + select);  // now it is known
  house.answers(welcome + backend::selected("right"));
  CHECK(house.client.take() == backend::selected("right"));
}

TEST_CASE("who has waited for query_wait_timeout is told so, though he has ridden") {
  Settings settings = verified();
  settings.query_wait_timeout = 20s;
  Inn house(settings);
  house.says(select);
  house.last_word();
  house.pass(settings.server_connect_timeout);  // silent
  CHECK(house.client.take().empty());
  house.pass(5s);
  CHECK(error_in(house.client.take()).message.find("query_wait_timeout (20 s)") != std::string::npos);
  CHECK(house.counters().query_wait_timeouts.value() == 1);
}

// Meanwhile
// --------------------------------------------------------------------------------------------------

TEST_CASE("what a client asks behind a read that rides, waits if it may not be done twice") {
  Inn house;
  house.says(select + insert);
  CHECK(house.last_word() == password);  // all of it has to be fit
  house.answers(backend::welcome());
  CHECK(house.server().take() == select + insert);

  Inn other;
  other.says(select);
  CHECK(other.last_word() == password + select);
  other.says(insert);
  CHECK(other.server().take().empty());
  other.answers(backend::welcome() + backend::selected("1"));
  CHECK(other.client.take() == backend::selected("1"));
  CHECK(other.server().take() == insert);
  other.answers(inserted);
  CHECK(other.client.take() == inserted);
}

TEST_CASE("a client that is cancelled while it rides is told so; the login goes on, for others") {
  Inn house;
  house.says(select);
  house.last_word();
  FarEnd canceller = house.arrive();
  std::string packet;
  const CancelRequest key = key_in(house.welcome);
  write_cancel_request(packet, key.process_id, key.secret);
  canceller.send(packet);
  house.run();
  CHECK(error_in(house.client.take()).sqlstate == "57014");
  CHECK(canceller.is_gone());
  CHECK(house.counters().cancels_local.value() == 1);

  house.says(insert);
  CHECK(house.fake.connector.pending() == 0);
  house.answers(backend::welcome() + backend::selected("for nobody"));
  CHECK(house.client.take().empty());
  house.answers(wire::message('I', "") + backend::ready());
  CHECK(house.server().take().ends_with(insert));
  house.answers(inserted);
  CHECK(house.client.take() == inserted);
}

TEST_CASE("a client that leaves while it rides leaves a server behind that is as good as new") {
  Inn house;
  FarEnd other = house.knock();
  house.says(select);
  house.last_word();
  house.client.close();
  house.run();
  CHECK_FALSE(house.server().is_gone());
  house.answers(backend::welcome() + backend::selected("for nobody") + wire::message('I', "") +
                backend::ready());
  CHECK(house.figures().servers_idle == 1);
  other.take();
  other.send(insert);
  house.run();
  CHECK(house.server().take().ends_with(insert));
}

TEST_CASE("the time that a login takes is no query's") {
  Settings settings = verified();
  settings.query_timeout = 1s;
  Inn house(settings);
  house.says(select);
  house.last_word();
  house.pass(10s);
  CHECK(house.client.take().empty());
  house.answers(backend::welcome());
  house.pass(500ms);
  CHECK(house.client.take().empty());
  house.pass(500ms);
  CHECK(error_in(house.client.take()).message.find("query_timeout") != std::string::npos);
}

TEST_CASE("others wait for the outcome, then all are served") {
  Settings settings = verified();
  settings.default_pool_size = 3;
  Inn house(settings);
  FarEnd second = house.knock();
  FarEnd third = house.knock();
  second.take();
  third.take();
  house.says(select);
  second.send(insert);
  third.send(insert);
  house.run();
  CHECK(house.last_word() == password + select);
  CHECK(house.fake.connector.pending() == 0);  // one wakes it
  house.answers(backend::welcome());
  CHECK(house.fake.connector.pending() == 2);
}

}  // namespace ballast::test
