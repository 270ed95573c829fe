// What no audit can ask for: values of sequences, and the seed of random(). One server, several clients.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast::test {
namespace {

const std::string forget = frontend::query("DISCARD SEQUENCES");
const std::string draw = "SELECT nextval('s')";
const std::string read = "SELECT currval('s')";

Settings one_server() {
  Settings settings;
  settings.default_pool_size = 1;
  return settings;
}

struct Town : House {
  Town() : House(one_server()) {}

  // What the server is asked in front of this query.
  std::string in_front_of(FarEnd& client, const std::string& sql) {
    client.send(frontend::query(sql));
    run();
    const std::string asked = server().take();
    REQUIRE(asked.ends_with(frontend::query(sql)));
    return asked.substr(0, asked.size() - frontend::query(sql).size());
  }
  void answers(const std::string& tag, char status = 'I') {
    server().send(backend::complete(tag) + backend::ready(status));
    run();
  }
};

}  // namespace

TEST_CASE("what others have drawn is forgotten in front of a client that asks for values of sequences") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  CHECK(house.in_front_of(one, draw).empty());
  house.answers("SELECT 1");
  CHECK(house.in_front_of(two, read) == forget);
  house.answers("DISCARD SEQUENCES");
  house.answers("SELECT 1");
  CHECK(house.in_front_of(one, read).empty());
}

TEST_CASE("what a client has drawn it finds again as long as nobody else has drawn there") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.in_front_of(one, draw);
  house.answers("SELECT 1");
  CHECK(house.in_front_of(two, "SELECT 2").empty());
  house.answers("SELECT 1");
  CHECK(house.in_front_of(one, read).empty());
}

TEST_CASE("what an INSERT may have drawn can be read in its transaction, and by nobody else later") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.in_front_of(one, draw);
  house.answers("SELECT 1");
  house.in_front_of(two, "BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO t VALUES (1)");
  house.answers("INSERT 0 1", 'T');
  CHECK(house.in_front_of(two, read).empty());
  house.answers("SELECT 1", 'T');
  house.in_front_of(two, "COMMIT");
  house.answers("COMMIT");
  CHECK(house.in_front_of(one, "SELECT 1") == forget);
}

TEST_CASE("in a transaction that has drawn nothing, values of others are forgotten when they are asked for") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.in_front_of(one, draw);
  house.answers("SELECT 1");
  house.in_front_of(two, "BEGIN; SELECT 2");
  house.answers("SELECT 1", 'T');
  CHECK(house.in_front_of(two, read) == forget);
}

TEST_CASE("a seed is its client's: random() is unforeseeable for the next") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.in_front_of(one, "SELECT setseed(0.5)");
  house.answers("SELECT 1");
  CHECK(house.in_front_of(one, "SELECT random()").empty());
  house.answers("SELECT 1");
  const std::string reseed = house.in_front_of(two, "SELECT random()");
  CHECK(reseed.find("RESET seed;SELECT pg_catalog.setseed(") != std::string::npos);
  house.answers("SELECT 1");
  house.answers("SELECT 1");
  CHECK(house.in_front_of(one, "SELECT random()").empty());
}

}  // namespace ballast::test
