// Servers that are lost before they have answered: what another is asked instead, and what the client is
// told.
#include <algorithm>
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
// asyncpg's, of a connection that comes back to its pool.
const std::string reset =
    frontend::query("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;");
const std::string was_reset = backend::row_description + backend::row("") + backend::complete("SELECT 1") +
                              backend::complete("CLOSE CURSOR ALL") + backend::complete("UNLISTEN") +
                              backend::complete("RESET") + backend::ready();
const std::string probe = frontend::query("");
const std::string probed = wire::message('I', "") + backend::ready();
const std::string goodbye =
    backend::error("57P01", "terminating connection due to administrator command", "FATAL");
const std::string crash = wire::message(
    'N',
    "SWARNING\0VWARNING\0C57P02\0Mterminating connection because of crash of another server process\0\0"s);
const std::string inserted = backend::complete("INSERT 0 1") + backend::ready();
// A Bind without parameters, its results in text.
std::string bind(const std::string& name) { return wire::message('B', "\0"s + name + "\0\0\0\0\0\0\0"s); }

struct Inn : House {
  using House::House;

  // What the server is asked when this client sends that.
  std::string asked_by(FarEnd& client, const std::string& bytes) {
    client.send(bytes);
    run();
    return server().take();
  }
  void answers(const std::string& bytes) {
    server().send(bytes);
    run();
  }
  void dies() {
    server().close();
    run();
  }
  // A new server comes; what is it asked?
  std::string asked_next() {
    connect();
    std::string all;
    for (const std::string& write : server().take_writes()) all += write;
    return all;
  }
  std::uint64_t resent() { return counters().requests_resent.value(); }
};

}  // namespace

// Again -----------------------------------------------------------------------------------------------------

TEST_CASE("a read whose server is lost without a word is read from another") {
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.asked_by(client, select) == select);
  house.dies();
  CHECK(client.take().empty());
  CHECK(house.asked_next() == select);
  house.answers(backend::selected("1"));
  CHECK(client.take() == backend::selected("1"));
  CHECK(house.resent() == 1);
}

TEST_CASE("a read whose server ends because another of its processes has crashed is read from another") {
  for (std::size_t cut = 0; cut <= crash.size(); ++cut) {
    Inn house;
    FarEnd client = house.log_in();
    house.asked_by(client, select);
    house.answers(crash.substr(0, cut));
    house.answers(crash.substr(cut));
    house.dies();
    CHECK(client.take().empty());
    CHECK(house.asked_next() == select);
  }
}

TEST_CASE("a write that a crash has ended may have been done: its client is told both") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, insert);
  house.answers(crash);
  house.dies();
  const std::string told = client.take();
  CHECK(told.starts_with(crash));
  CHECK(error_in(told.substr(crash.size())).sqlstate == "08006");
}

TEST_CASE("a server that says that it ends, and answers all the same, has said it first") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.answers(crash);
  CHECK(client.take().empty());
  house.answers(backend::selected("1"));
  CHECK(client.take() == crash + backend::selected("1"));
}

// Where the messages of an answer begin, its end excepted.
std::vector<std::size_t> beginnings(const std::string& answer) {
  std::vector<std::size_t> cuts;
  std::size_t at = 0;
  for (const auto& one : wire::messages(answer)) {
    cuts.push_back(at);
    at += 5 + one.body.size();
  }
  return cuts;
}

TEST_CASE(
    "what reads is asked of another server when its own has ended right behind the answer's beginning") {
  for (const std::string& request : {select, reset}) {
    const std::string answer = request == select ? backend::selected("1") : was_reset;
    for (const std::size_t cut : beginnings(answer)) {
      for (const std::string& last_words : {goodbye, ""s}) {
        Inn house;
        FarEnd client = house.log_in();
        house.asked_by(client, request);
        house.server().send(answer.substr(0, cut) + last_words);
        house.dies();
        CHECK(client.take().empty());
        CHECK(house.asked_next() == request);
        house.answers(answer);
        CHECK(client.take() == answer);
      }
    }
  }
}

TEST_CASE("half a message of an answer is taken back too") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  const std::string answer = backend::selected("1");
  house.server().send(answer.substr(0, answer.size() / 2));
  house.dies();
  CHECK(client.take().empty());
  CHECK(house.asked_next() == select);
}

TEST_CASE("the beginning of an answer that has left is followed by what became of its end") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.answers(backend::row_description);
  CHECK(client.take() == backend::row_description);
  house.answers(goodbye);
  CHECK(client.take() == goodbye);
}

TEST_CASE("a write that was answered but for its end may have been done, and is told so") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, insert);
  house.server().send(backend::complete("INSERT 0 1") + goodbye);
  house.dies();
  CHECK(client.take() == backend::complete("INSERT 0 1") + goodbye);
}

TEST_CASE("a name that has been prepared by a request that is lost behind that is not prepared twice") {
  Inn house;
  FarEnd client = house.log_in();
  client.send(frontend::parse("mine", "SELECT a FROM t") + bind("mine") + frontend::execute() +
              frontend::sync);
  house.run();
  house.server().take();
  house.server().send(backend::parse_complete + goodbye);
  house.dies();
  CHECK(client.take() == backend::parse_complete + goodbye);
}

TEST_CASE("a write that a server was asked while it was shut down is written by another") {
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.asked_by(client, insert) == insert);
  house.server().send(goodbye);
  house.dies();
  CHECK(client.take().empty());
  CHECK(house.asked_next() == insert);
  house.answers(inserted);
  CHECK(client.take() == inserted);
}

TEST_CASE("a statement that is prepared in the request that is lost is prepared again, under its name") {
  Inn house;
  FarEnd client = house.log_in();
  const std::string execute = bind("mine") + frontend::execute() + frontend::sync;
  client.send(frontend::parse("mine", "SELECT a FROM t") + execute);
  house.run();
  const std::string asked = house.server().take();
  house.dies();
  const std::string again = house.asked_next();
  CHECK(wire::types(again) == wire::types(asked));
  house.answers(backend::parse_complete + backend::bind_complete + backend::complete("SELECT 0") +
                backend::ready());
  CHECK(wire::types(client.take()) == "12CZ");
  CHECK(wire::types(house.asked_by(client, execute)) == "BES");
}

TEST_CASE("a block whose BEGIN travels with the write that is lost is begun again") {
  Inn house({}, Switch::on);
  FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN"));
  house.run();
  CHECK(wire::types(client.take()) == "CZ");
  CHECK(house.asked_by(client, insert) == frontend::query("BEGIN") + insert);
  house.dies();
  CHECK(house.asked_next() == frontend::query("BEGIN") + insert);
  house.answers(backend::complete("BEGIN") + backend::ready('T') + backend::complete("INSERT 0 1") +
                backend::ready('T'));
  CHECK(wire::types(client.take()) == "CZ");
}

TEST_CASE("what the client has sent behind the request that is lost follows it") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  CHECK(house.asked_by(client, select) == select);
  house.dies();
  CHECK(house.asked_next() == select + select);
}

TEST_CASE("what resets a connection that comes back to a driver's pool is done by another server") {
  for (const std::string& last_words : {goodbye, ""s}) {
    Inn house;
    FarEnd client = house.log_in();
    CHECK(house.asked_by(client, reset) == reset);
    house.server().send(last_words);
    house.dies();
    CHECK(client.take().empty());
    CHECK(house.asked_next() == reset);
    CHECK_FALSE(client.is_gone());
  }
}

TEST_CASE("a client that has been reset does not hear of a server that is lost in the audit behind that") {
  for (const std::string& last_words : {goodbye, ""s}) {
    Inn house;
    FarEnd client = house.log_in();
    house.asked_by(client, reset);
    house.answers(was_reset);
    CHECK(client.take() == was_reset);
    CHECK(wire::types(house.server().take()) == "Q");  // the audit
    house.server().send(last_words);
    house.dies();
    CHECK(client.take().empty());
    client.send(select);
    house.run();
    CHECK(house.asked_next() == select);
    house.answers(backend::selected("1"));
    CHECK(client.take() == backend::selected("1"));
  }
}

TEST_CASE("what it has asked behind that audit is asked of another server, in its startup state") {
  Inn house;
  FarEnd client = house.log_in("IntervalStyle\0iso_8601\0"s);
  house.asked_by(client, frontend::query("SET work_mem = '8MB'"));
  house.answers(backend::complete("SET") + backend::ready());
  house.answers(backend::audit({{"s", "IntervalStyle", "iso_8601"}, {"s", "work_mem", "8MB"}}));
  client.take();
  house.asked_by(client, frontend::query("RESET ALL"));
  house.answers(backend::complete("RESET") + backend::ready());
  house.answers(backend::complete("SELECT 1") + backend::ready());  // the startup value again
  client.take();
  CHECK(house.asked_by(client, select).ends_with(select));
  house.dies();
  CHECK(client.take().empty());
  const std::string asked = house.asked_next();
  CHECK(asked.find("iso_8601") != std::string::npos);
  CHECK(asked.find("work_mem") == std::string::npos);
  CHECK(asked.ends_with(select));
}

TEST_CASE("a server that is lost while a client's startup values are set again there takes nothing with it") {
  Inn house;
  FarEnd client = house.log_in("IntervalStyle\0iso_8601\0"s);
  house.asked_by(client, reset);
  house.answers(was_reset);
  client.take();
  house.server().take();
  house.answers(backend::audit({}));
  CHECK(house.server().take().find("iso_8601") != std::string::npos);
  house.dies();
  CHECK(client.take().empty());
  client.send(select);
  house.run();
  const std::string asked = house.asked_next();
  CHECK(asked.find("iso_8601") != std::string::npos);
  CHECK(asked.ends_with(select));
}

TEST_CASE(
    "a read is read from another server however long it took to find out that its own has gone silent") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.pass(30s);
  house.server().fail("Connection timed out");
  house.run();
  CHECK(client.take().empty());
  CHECK(house.asked_next() == select);
}

// Told ------------------------------------------------------------------------------------------------------

TEST_CASE("a write whose server was shut down is not written again when the client has been told of it") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, insert + insert);
  house.answers(inserted);
  CHECK(client.take() == inserted);
  house.server().send(goodbye);
  house.dies();
  CHECK(client.take() == goodbye);
  CHECK(client.is_gone());
}

TEST_CASE("a read is not read again in a transaction that the server has answered in") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, frontend::query("BEGIN"));
  house.answers(backend::complete("BEGIN") + backend::ready('T'));
  client.take();
  house.asked_by(client, select);
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
  CHECK(client.is_gone());
}

TEST_CASE("a read is not read elsewhere when its session has something on the server that is lost") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, frontend::query("SELECT pg_advisory_lock(1)"));
  house.answers(backend::selected(""));
  house.answers(backend::audit({{"l", "", ""}}));
  client.take();
  house.asked_by(client, select);
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a client whose state only the audit would have told is told that the server is lost in it") {
  for (const std::string text :
       {"SET work_mem = '8MB'", "RESET ALL; SET work_mem = '8MB'", "SELECT pg_advisory_lock(1); RESET ALL",
        "SELECT f(); RESET ALL", "DISCARD ALL"}) {
    CAPTURE(text);
    Inn house;
    FarEnd client = house.log_in();
    house.asked_by(client, frontend::query(text));
    house.answers(backend::complete("DONE") + backend::ready());
    client.take();
    house.dies();
    CHECK(error_in(client.take()).sqlstate == "08006");
  }
}

TEST_CASE("what a client has set right behind its reset is not forgotten with the server") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, reset + frontend::query("SET work_mem = '8MB'"));
  house.answers(was_reset + backend::complete("SET") + backend::ready());
  client.take();
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a batch that has been answered up to a Flush ends with its server") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, frontend::parse("", "SELECT a FROM t") + frontend::flush);
  house.answers(backend::parse_complete);
  client.take();
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a write to a server that has gone silent may have been done, and is told") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, insert);
  house.pass(30s);
  house.server().fail("Connection timed out");
  house.run();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a read that has waited for a silent server as long as a client may wait for one is told") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.pass(house.settings.query_wait_timeout);
  house.server().fail("Connection timed out");
  house.run();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a request that is asked again has waited since it was asked first") {
  Settings settings;
  settings.query_wait_timeout = 10s;
  Inn house(settings);
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.pass(4s);
  house.server().fail("Connection timed out");
  house.run();
  house.pass(5900ms);
  CHECK(client.take().empty());
  house.pass(100ms);
  CHECK(error_in(client.take()).message.find("query_wait_timeout") != std::string::npos);
}

TEST_CASE("a read whose server is reset after a while may have been the reason, and is told") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.pass(3s);
  house.server().fail("Connection reset by peer");
  house.run();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a reset that has failed is none") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, reset);
  house.answers(backend::error("57014", "canceling statement due to user request") + backend::ready());
  client.take();
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
}

TEST_CASE("a query that has run for a while when its server is shut down may have been meant: it is told") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  house.pass(3s);
  house.server().send(goodbye);
  house.dies();
  CHECK(client.take() == goodbye);
  CHECK(client.is_gone());
}

TEST_CASE("a request that takes three servers with it is not given a fourth") {
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.asked_by(client, select) == select);
  for (int i = 0; i < 2; ++i) {
    house.dies();
    CHECK(client.take().empty());
    CHECK(house.asked_next() == select);
  }
  house.dies();
  CHECK(error_in(client.take()).sqlstate == "08006");
  CHECK(house.resent() == 2);
}

TEST_CASE("servers that one end has taken along, as a sleep takes all, count as one") {
  constexpr std::size_t count = 5;
  Settings settings;
  settings.default_pool_size = count;
  Inn house(settings);
  const auto asked = [&house](const std::string& what) -> FarEnd& {
    while (house.fake.connector.pending() > 0) house.connect();
    const auto found =
        std::ranges::find_if(house.servers, [&](FarEnd& server) { return server.take() == what; });
    REQUIRE(found != house.servers.end());
    return *found;
  };
  const auto tell = [&](FarEnd& client, const std::string& text, char state) {
    const std::string request = wire::message('Q', text + "\0"s);
    client.send(request);
    house.run();
    asked(request).send(backend::complete(text) + backend::ready(state));
    house.run();
    CHECK(wire::types(client.take()) == "CZ");
  };
  std::vector<FarEnd> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(house.log_in());
    tell(clients.back(), "BEGIN", 'T');
  }
  for (FarEnd& client : clients) tell(client, "COMMIT", 'I');
  REQUIRE(house.servers.size() == count);

  house.pass(1s);
  FarEnd& client = clients[0];
  client.send(select);
  house.run();
  for (std::size_t i = 0; i < count; ++i) {  // each is asked before its end is seen
    asked(select).close();
    house.run();
    CHECK(client.take().empty());
  }
  CHECK(house.resent() == count);
  house.pass(1s);
  asked(select).close();
  house.run();
  CHECK(client.take().empty());
  house.pass(1s);
  asked(select).close();
  house.run();
  CHECK(error_in(client.take()).sqlstate == "08006");  // three ends
}

TEST_CASE("an error of the request itself is the client's, however the server ends after it") {
  Inn house;
  FarEnd client = house.log_in();
  house.asked_by(client, select);
  const std::string error = backend::error("42P01", "relation \"t\" does not exist");
  house.answers(error);
  house.dies();
  CHECK(client.take().starts_with(error));
  CHECK(client.is_gone());
}

// After a rest ----------------------------------------------------------------------------------------------

Settings with_checks() {
  Settings settings;
  settings.server_check_delay = 30s;
  settings.server_check_timeout = 2s;
  return settings;
}

TEST_CASE("a read goes to a server that has rested right behind the probe") {
  Inn house(with_checks());
  FarEnd client = house.log_in();
  house.pass(30s);
  CHECK(house.asked_by(client, select) == probe + select);
  house.answers(probed + backend::selected("1"));
  CHECK(client.take() == backend::selected("1"));
  CHECK(house.asked_by(client, select) == select);
  CHECK(house.counters().server_checks.value() == 1);
}

TEST_CASE("a write goes to a server that has rested once the probe is answered") {
  Inn house(with_checks());
  FarEnd client = house.log_in();
  house.pass(30s);
  CHECK(house.asked_by(client, insert) == probe);
  house.answers(probed);
  CHECK(house.server().take() == insert);
  house.answers(inserted);
  CHECK(client.take() == inserted);
}

TEST_CASE("a probe without an answer moves the request to another server, a write too") {
  for (const std::string& request : {select, insert}) {
    Inn house(with_checks());
    FarEnd client = house.log_in();
    house.pass(30s);
    house.asked_by(client, request);
    house.pass(1s);
    CHECK(house.fake.connector.pending() == 0);
    house.pass(1s);
    CHECK(house.counters().server_check_timeouts.value() == 1);
    CHECK(house.asked_next() == request);
    CHECK(client.take().empty());
  }
}

TEST_CASE("a slow query behind an answered probe is waited for") {
  Inn house(with_checks());
  FarEnd client = house.log_in();
  house.pass(30s);
  house.asked_by(client, select);
  house.answers(probed);
  house.pass(60s);
  house.answers(backend::selected("1"));
  CHECK(client.take() == backend::selected("1"));
}

}  // namespace ballast::test
