// A client's way to its first ReadyForQuery, and what may end it before.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::error_in;
using test::House;
using wire::types;

}  // namespace

TEST_CASE(
    "a client is welcomed with what a server reports, a key of its own and ReadyForQuery, at every cut") {
  const std::string startup = House::startup({});
  wire::at_every_cut(startup.size(), [&](std::size_t offset, std::size_t piece) {
    House house;
    test::FarEnd client = house.arrive();
    client.send(startup.substr(0, offset));
    house.run();
    for (std::size_t at = offset; at < startup.size(); at += piece) {
      client.send(startup.substr(at, piece));
      house.run();
    }
    house.connect();
    const std::string welcome = client.take();
    CHECK(types(welcome) == "RSSSSKZ");
    CHECK(welcome.find("server_version\0"
                       "15.0"s) != std::string::npos);
    CHECK(welcome.ends_with(backend::ready()));
    CHECK(test::key_in(welcome).secret.size() == 4);
    CHECK(CancelKeys::worker_of(test::key_in(welcome).process_id) == 3);
    CHECK(house.clients.load() == 1);
  });
}

TEST_CASE("the second client needs no server for its login") {
  House house;
  house.log_in();
  test::FarEnd second = house.knock();
  CHECK(types(second.take()) == "RSSSSKZ");
  CHECK(house.fake.connector.attempts == 1);
}

TEST_CASE("protocol 3.2 gets a long key [5.1-19] [5.5-97]") {
  House house;
  test::FarEnd client = house.arrive();
  client.send(wire::startup("user\0ann\0"s, 3 << 16 | 2));
  house.run();
  house.connect();
  CHECK(test::key_in(client.take()).secret.size() == 32);
}

TEST_CASE("requests that come with the startup packet are served after the welcome") {
  House house;
  test::FarEnd client = house.arrive();
  client.send(House::startup({}) + frontend::query("SELECT 1"));
  house.run();
  house.connect();
  CHECK(types(client.take()) == "RSSSSKZ");
  CHECK(house.asked() == "Q");
}

TEST_CASE("startup parameters are proven on a server before the client is welcomed") {
  House house;
  test::FarEnd client = house.knock("TimeZone\0Asia/Tokyo\0"s);
  test::FarEnd& server = house.connect();
  CHECK(server.take() == frontend::query("SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);"));
  CHECK(types(client.take()) == "R");
  server.send(backend::row_description + backend::row("Asia/Tokyo") + backend::complete("SELECT 1") +
              backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready());
  house.run();
  const std::string welcome = client.take();
  CHECK(types(welcome) == "SSSSKZ");
  CHECK(welcome.find("TimeZone\0Asia/Tokyo\0"s) != std::string::npos);
}

TEST_CASE("parameters that were proven once are not tried again") {
  House house;
  house.log_in("timezone\0Asia/Tokyo\0"s);
  test::FarEnd second = house.knock("TimeZone\0Asia/Tokyo\0"s);
  CHECK(types(second.take()) == "RSSSSKZ");
}

TEST_CASE("refused parameters are FATAL with the server's own words, and the server is reused [5.1-14]") {
  House house;
  test::FarEnd client = house.knock("no_such\0x\0"s);
  house.connect().send(backend::error("42704", "unrecognized configuration parameter \"no_such\"") +
                       backend::ready());
  house.run();
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == "42704");
  CHECK(error.message == "unrecognized configuration parameter \"no_such\"");
  CHECK(client.is_gone());
  CHECK_FALSE(house.server().is_gone());
  CHECK(house.clients.load() == 0);
}

TEST_CASE("options that PostgreSQL would refuse never reach a server") {
  House house;
  test::FarEnd client = house.knock("options\0nonsense\0"s);
  CHECK(error_in(client.take()).sqlstate == "42601");
  CHECK(client.is_gone());
  CHECK(house.fake.connector.attempts == 0);
  CHECK(house.clients.load() == 0);
}

TEST_CASE(
    "a client whose parameters are not its server's brings the server to its state in the same write as its "
    "query") {
  House house;
  house.log_in();
  test::FarEnd tokyo = house.log_in("timezone\0Asia/Tokyo\0"s);
  test::FarEnd plain = house.log_in();
  plain.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.server().take_writes() ==
        std::vector<std::string>{frontend::query("RESET \"timezone\";") + frontend::query("SELECT 1")});
  house.server().send(backend::complete("RESET") + backend::ready() + backend::selected("1"));
  house.run();
  CHECK(plain.take() == backend::selected("1"));
}

TEST_CASE("a password that is wrong, and a user that nobody knows, look the same [5.1-25]") {
  Settings settings;
  settings.auth_type = AuthType::plain;
  for (const std::string user : {"ann", "nobody"}) {
    House house(settings);
    house.secrets["ann"] = "right";
    house.reload();
    test::FarEnd client = house.arrive();
    client.send(wire::startup("user\0"s + user + "\0"s));
    house.run();
    client.send(wire::message('p', "wrong\0"s));
    house.run();
    const std::string answer = client.take();
    CHECK(error_in(answer).severity == Severity::fatal);
    CHECK(client.is_gone());
    CHECK(house.fake.connector.attempts == 0);
    CHECK(house.counters().client_login_failures.value() == 1);
  }
}

TEST_CASE("a reload while a client logs in lets the login go on with the new users") {
  Settings settings;
  settings.auth_type = AuthType::scram_sha_256;
  House house;
  house.settings.auth_type = AuthType::md5;
  house.reload();
  test::FarEnd client = house.arrive();
  house.run();
  house.secrets["ann"] = "new";
  house.reload();
  client.send(House::startup({}));
  house.run();
  CHECK(types(client.take()) == "R");
}

TEST_CASE("login errors of the server reach the waiting client as FATAL") {
  House house;
  test::FarEnd client = house.knock();
  house.fake.connector.accept().send(backend::error("3D000", "database \"app\" does not exist", "FATAL"));
  house.run();
  const PgError error = error_in(client.take());
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == "3D000");
  CHECK(client.is_gone());
}

TEST_CASE("client_login_timeout ends a login at its time, slow or silent [5.1-30]") {
  Settings settings;
  settings.client_login_timeout = 10s;
  House house(settings);
  test::FarEnd silent = house.arrive();
  test::FarEnd slow = house.arrive();
  const std::string startup = House::startup({});
  for (std::size_t i = 0; i < 9; ++i) {
    slow.send(startup.substr(i, 1));
    house.pass(1s);
  }
  CHECK_FALSE(silent.is_gone());
  house.pass(1s);
  for (test::FarEnd client : {silent, slow}) {
    CHECK(error_in(client.take()).message.find("client_login_timeout") != std::string::npos);
    CHECK(client.is_gone());
  }
  CHECK(house.counters().client_login_timeouts.value() == 2);
}

TEST_CASE("client_login_timeout covers the time in which the parameters are tried") {
  Settings settings;
  settings.client_login_timeout = 10s;
  House house(settings);
  test::FarEnd client = house.knock("timezone\0Asia/Tokyo\0"s);
  house.connect();  // and the server says nothing to the set_config()
  for (int i = 0; i < 30; ++i) house.pass(1s);
  CHECK(client.is_gone());
  CHECK(house.clients.load() == 0);
}

TEST_CASE("a login has one client_login_timeout, whatever it waits for") {
  Settings settings;
  settings.client_login_timeout = 10s;
  House house(settings);
  test::FarEnd client = house.arrive();
  house.pass(6s);
  client.send(House::startup("timezone\0Asia/Tokyo\0"s));
  house.run();
  house.connect();  // and the server says nothing to the set_config()
  house.pass(3s);
  CHECK_FALSE(client.is_gone());
  house.pass(1s);
  CHECK(client.is_gone());
}

TEST_CASE("a login's time is from accept to ReadyForQuery; who never gets there has none") {
  House house;
  test::FarEnd client = house.arrive();
  test::FarEnd silent = house.arrive();
  house.pass(2s);
  client.send(House::startup({}));
  house.run();
  house.pass(1s);
  house.connect();
  CHECK(types(client.take()).ends_with("Z"));
  silent.close();
  house.run();
  Durations logins;
  house.pools->connect_times().client_login.add_to(logins);
  CHECK(logins.count() == 1);
  CHECK(logins.sum() == 3s);
}

TEST_CASE("a client that leaves before it has said anything leaves nothing [5.1-16]") {
  House house;
  test::FarEnd client = house.arrive();
  client.close();
  house.run();
  CHECK(client.is_gone());
  CHECK(house.sessions->is_empty());
  CHECK(house.counters().client_login_failures.value() == 0);
}

TEST_CASE("a client that leaves while it waits for its first server leaves the queue") {
  House house;
  test::FarEnd client = house.knock();
  client.close();
  house.run();
  CHECK(house.sessions->is_empty());
  house.connect();
  CHECK(house.clients.load() == 0);
}

TEST_CASE("what is no PostgreSQL client is closed without a word") {
  House house;
  test::FarEnd client = house.arrive();
  client.send("GET / HTTP/1.1\r\n\r\n");
  house.run();
  CHECK(client.take().empty());
  CHECK(client.is_gone());
}

TEST_CASE("an SSLRequest without TLS is answered with N, and the login goes on in the clear") {
  House house;
  test::FarEnd client = house.arrive();
  client.send(wire::ssl_request);
  house.run();
  CHECK(client.take() == "N");
  client.send(House::startup({}));
  house.run();
  house.connect();
  CHECK(types(client.take()) == "RSSSSKZ");
}

TEST_CASE("a replication connection has a server of its own, made with its own parameters [5.1-15]") {
  House house;
  house.settings.default_pool_size = 5;
  house.reload();
  house.log_in();
  for (const std::string value : {"database", "true", "on", "1"}) {
    CAPTURE(value);
    test::FarEnd client = house.knock("replication\0"s + value + "\0"s);
    REQUIRE(house.fake.connector.pending() == 1);
    test::FarEnd server = house.fake.connector.accept();
    house.run();
    CHECK(server.take().find("replication\0"s) != std::string::npos);
    server.send(backend::welcome(7));
    house.run();
    CHECK(types(client.take()) == "RSSSSKZ");
    house.pass(1h);
    client.send(frontend::query("IDENTIFY_SYSTEM"));
    house.run();
    CHECK(house.fake.connector.pending() == 0);  // the server that let it in
    CHECK(server.take() == frontend::query("IDENTIFY_SYSTEM"));
    server.send(backend::selected("1"));
    house.run();
    CHECK(types(client.take()) == "TDCZ");
    client.send(frontend::terminate);
    house.run();
    CHECK(client.is_gone());
    CHECK(server.is_gone());
  }
}

}  // namespace ballast
