#include "proxy/session/session_set.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::House;

}  // namespace

TEST_CASE("sessions are counted while they are there") {
  House house;
  CHECK(house.sessions->is_empty());
  std::vector<test::FarEnd> clients;
  for (std::size_t i = 1; i <= 10; ++i) {
    clients.push_back(house.log_in());
    CHECK(house.sessions->size() == i);
  }
  for (const std::size_t leaver : {0U, 9U, 4U, 5U}) clients[leaver].close();
  house.run();
  CHECK(house.sessions->size() == 6);
  CHECK(house.clients.load() == 6);
}

TEST_CASE("the right session ends, whichever places the others have moved to") {
  for (std::size_t leaver = 0; leaver < 5; ++leaver) {
    House house;
    std::vector<test::FarEnd> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(house.log_in());
    clients[leaver].send(frontend::terminate);
    house.run();
    for (std::size_t i = 0; i < 5; ++i) CHECK(clients[i].is_gone() == (i == leaver));
    for (test::FarEnd& client : clients) client.close();
    house.run();
    CHECK(house.sessions->is_empty());
  }
}

TEST_CASE("sessions that end during the janitor's walk are all visited") {
  Settings settings;
  settings.client_idle_timeout = 10s;
  House house(settings);
  std::vector<test::FarEnd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(house.log_in());
  house.pass(10s);
  house.pass(100ms);
  for (const test::FarEnd& client : clients) CHECK(client.is_gone());
  CHECK(house.sessions->is_empty());
  CHECK(house.counters().client_idle_timeouts.value() == 20);
}

TEST_CASE("max_client_conn counts the clients of all workers together") {
  Settings settings;
  settings.max_client_conn = 2;
  House house(settings);
  house.clients = 1;  // another worker's
  house.log_in();
  test::FarEnd refused = house.knock();
  CHECK(test::error_in(refused.take()).sqlstate == "53300");
  house.clients = 1;
}

TEST_CASE("a session can be ended by its number, and a number that is gone ends nobody") {
  House house;
  test::FarEnd client = house.log_in();
  house.sessions->end_client(~std::uint64_t{0});
  house.run();
  CHECK_FALSE(client.is_gone());
}

TEST_CASE("the auth_type of the settings is the login's method") {
  struct Row {
    AuthType type;
    LoginMethod method;
  };
  for (const Row row :
       {Row{AuthType::trust, LoginMethod::trust}, Row{AuthType::plain, LoginMethod::plain},
        Row{AuthType::md5, LoginMethod::md5}, Row{AuthType::scram_sha_256, LoginMethod::scram_sha_256},
        Row{AuthType::cert, LoginMethod::cert}}) {
    House house;
    house.settings.auth_type = row.type;
    house.reload();
    CHECK(house.sessions->login_policy().method == row.method);
    CHECK(house.sessions->login_policy().mock_key == "mock key");
  }
}

TEST_CASE("TLS is offered and required as client_tls_sslmode says") {
  struct Row {
    ClientTls mode;
    bool is_offered;
    bool is_required;
  };
  for (const Row row : {Row{ClientTls::disable, false, false}, Row{ClientTls::allow, true, false},
                        Row{ClientTls::require, true, true}, Row{ClientTls::verify_ca, true, true},
                        Row{ClientTls::verify_full, true, true}}) {
    House house;
    house.settings.client_tls_sslmode = row.mode;
    house.reload();
    CHECK(house.sessions->login_policy().tls_offered == row.is_offered);
    CHECK(house.sessions->login_policy().tls_required == row.is_required);
  }
}

TEST_CASE("everything can be destroyed in the middle of its work") {
  House house;
  house.settings.default_pool_size = 2;
  house.reload();
  test::FarEnd active = house.log_in();
  const CancelRequest key = test::key_in(house.welcome);
  test::FarEnd waiting = house.log_in();
  test::FarEnd proving = house.knock("timezone\0Asia/Tokyo\0"s);
  house.arrive();
  active.send(frontend::query("SELECT 1"));
  waiting.send(frontend::query("SELECT 2"));
  house.run();
  house.sessions->cancel_here(key, [] {});
  house.sessions.reset();
  house.pools.reset();
  house.fake.loop.run_once();
  CHECK(active.is_gone());
  CHECK(waiting.is_gone());
  CHECK(proving.is_gone());
}

}  // namespace ballast
