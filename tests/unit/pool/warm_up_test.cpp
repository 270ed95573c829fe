#include "proxy/pool/warm_up.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

struct Warming : House {
  explicit Warming(const Settings& from = {}) : House(with_database(from)) {}
  static Settings with_database(Settings settings) {
    settings.upstream.dbname = "app";
    return settings;
  }
  std::optional<std::string> told;
  void ask() {
    pools->warm_up().ask([this](const PgError& error) { told = error.message; });
  }
};

}  // namespace

TEST_CASE("a warm-up connects one server, and is told when it is there") {
  Warming house;
  house.ask();
  house.ask();
  CHECK(house.connecting() == 1);
  CHECK_FALSE(house.told);
  house.connect();
  CHECK(house.told == "");
  CHECK(house.pool().idle_count() == 1);
}

TEST_CASE("where a server is idle a warm-up has nothing to do") {
  Warming house;
  house.ask();
  house.connect();
  house.told.reset();
  house.ask();
  CHECK(house.told == "");
  CHECK(house.connecting() == 0);
  CHECK(house.pool().idle_count() == 1);
}

TEST_CASE("a warm-up that fails says why") {
  Warming house;
  house.ask();
  house.refuse_login("28P01", "password authentication failed for user \"ann\"");
  REQUIRE(house.told);
  CHECK(house.told->find("password authentication failed") != std::string::npos);
}

}  // namespace ballast
