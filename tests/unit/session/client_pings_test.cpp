#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast::test {
namespace {

using namespace std::string_literals;
using wire::message;
using wire::types;

// A Bind without parameters, its results in that format.
std::string bind(const std::string& name, char format) {
  return message('B', "\0"s + name + "\0\0\0\0\0\0\1\0"s + format);
}
const std::string one_described =
    message('T', "\0\1?column?\0\0\0\0\0\0\0\0\0\0\x17\0\4\xFF\xFF\xFF\xFF\0\0"s);
const std::string one = message('D', "\0\1\0\0\0\1"s + "1");
const std::string binary_one = message('D', "\0\1\0\0\0\4\0\0\0\1"s);
const std::string selected_one = backend::complete("SELECT 1");

struct Inn : House {
  explicit Inn(Switch defer_begin = Switch::off) : House(local(), defer_begin) {}
  static Settings local() {
    Settings with_pings;
    with_pings.pings = Pings::local;
    return with_pings;
  }
  // What the client is told; the server is asked nothing.
  std::string told(FarEnd& client, const std::string& bytes) {
    client.send(bytes);
    run();
    CHECK(asked().empty());
    return client.take();
  }
};

}  // namespace

TEST_CASE("SELECT 1, in any spelling, is answered as a server would") {
  Inn house;
  FarEnd client = house.log_in();
  for (const std::string sql :
       {"SELECT 1", "select 1;", " Select\n1 ; ", "/* ping */ SELECT 1", "SELECT 1--x"}) {
    CAPTURE(sql);
    CHECK(house.told(client, frontend::query(sql)) == one_described + one + selected_one + backend::ready());
  }
  CHECK(house.counters().pings_answered.value() == 5);
}

TEST_CASE("so is an empty query") {
  Inn house;
  FarEnd client = house.log_in();
  for (const std::string sql : {"", ";", " ; ; ", "-- nothing"}) {
    CAPTURE(sql);
    CHECK(house.told(client, frontend::query(sql)) == message('I', "") + backend::ready());
  }
}

TEST_CASE("so are both in the extended protocol, described or not, in either format") {
  Inn house;
  FarEnd client = house.log_in();
  const std::string execute = frontend::execute() + frontend::sync;
  CHECK(
      house
          .told(client, frontend::parse("", "SELECT 1") + bind("", 1) + frontend::describe('P', "") + execute)
          .ends_with(binary_one + selected_one + backend::ready()));
  CHECK(house.told(client, frontend::parse("", "SELECT 1") + bind("", 0) + execute) ==
        backend::parse_complete + backend::bind_complete + one + selected_one + backend::ready());
  CHECK(types(house.told(client, frontend::parse("", ";") + bind("", 0) + frontend::describe('P', "") +
                                     execute)) == "12nIZ");
}

TEST_CASE("so is one that was prepared") {
  Inn house;
  FarEnd client = house.log_in();
  client.send(frontend::parse("ping", ";") + frontend::sync);
  house.run();
  house.server().send(backend::parse_complete + backend::ready());
  house.run();
  client.take();
  house.asked();
  CHECK(types(house.told(client, bind("ping", 0) + frontend::execute() + frontend::sync)) == "2IZ");
}

TEST_CASE("what is more than a ping is the server's to answer") {
  Inn house;
  FarEnd client = house.log_in();
  for (const std::string sql : {"SELECT 2", "SELECT 1, 1", "SELECT 1 FROM t", "SELECT '1'", "SELECT 10"}) {
    CAPTURE(sql);
    client.send(frontend::query(sql));
    house.run();
    CHECK(house.asked() == "Q");
    house.server().send(backend::selected("1"));
    house.run();
    client.take();
  }
}

TEST_CASE("a ping within a transaction of the server's is the server's") {
  Inn house;
  FarEnd client = house.log_in();
  client.send(frontend::query("BEGIN"));
  house.run();
  house.server().send(backend::complete("BEGIN") + backend::ready('T'));
  house.run();
  house.asked();
  client.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.asked() == "Q");
}

TEST_CASE("a ping within a block that no server knows of begins it on none") {
  Inn house(Switch::on);
  FarEnd client = house.log_in();
  CHECK(house.told(client, frontend::query("BEGIN")) == backend::complete("BEGIN") + backend::ready('T'));
  CHECK(house.told(client, frontend::query("SELECT 1")) ==
        one_described + one + selected_one + backend::ready('T'));
  CHECK(house.told(client, frontend::query("ROLLBACK")) == backend::complete("ROLLBACK") + backend::ready());
}

TEST_CASE("a ping while the database sleeps does not wake it; while it is down it fails") {
  Inn house;
  FarEnd client = house.log_in();
  FarEnd other = house.log_in();
  house.server().close();
  house.run();
  CHECK(house.told(client, frontend::query("SELECT 1")).ends_with(selected_one + backend::ready()));
  CHECK(house.fake.connector.pending() == 0);
  client.send(frontend::query("SELECT 2"));
  house.run();
  house.fake.connector.refuse("Connection refused");
  CHECK(error_in(house.told(other, frontend::query("SELECT 1"))).sqlstate == "08001");
}

TEST_CASE("by default pings go to the server") {
  House house;
  FarEnd client = house.log_in();
  client.send(frontend::query("SELECT 1"));
  house.run();
  CHECK(house.asked() == "Q");
}

}  // namespace ballast::test
