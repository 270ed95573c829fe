#include "proxy/app/operations.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

struct Desk {
  HttpAnswer ask(const std::string& path, const std::string& authorization = {},
                 const std::string& method = "GET") {
    std::optional<HttpAnswer> got;
    operations.handle({method, path, {}, authorization},
                      [&got](HttpAnswer answer) { got = std::move(answer); });
    REQUIRE(got);
    return *got;
  }
  Census census;
  int taken = 0;
  Operations operations{[this](const std::function<void(Census)>& done) {
    ++taken;
    done(census);
  }};
};

}  // namespace

TEST_CASE("the process is alive and well without asking anybody") {
  Desk desk;
  CHECK(desk.ask("/live").status == 200);
  const HttpAnswer health = desk.ask("/health");
  CHECK(health.status == 200);
  CHECK(health.content_type == "application/json");
  CHECK(health.body.starts_with("{\"status\": \"ok\", \"version\": \""));
  CHECK(desk.taken == 0);
}

TEST_CASE("it is ready until it drains") {
  Desk desk;
  CHECK(desk.ask("/ready").status == 200);
  desk.operations.drain();
  CHECK(desk.ask("/ready").status == 503);
  CHECK(desk.ask("/live").status == 200);
}

TEST_CASE("the database's health is bad while it is down or refuses, and not because it sleeps") {
  using State = Upstream::State;
  Desk desk;
  for (const State state :
       {State::unknown, State::awake, State::asleep, State::waking, State::down, State::refused}) {
    desk.census.upstream = state;
    const HttpAnswer answer = desk.ask("/health/db");
    const bool is_bad = state == State::down || state == State::refused;
    CHECK(answer.status == (is_bad ? 503 : 200));
    CHECK(answer.body == "{\"state\": \"" + std::string(name_of(state)) + "\"}\n");
  }
}

TEST_CASE("with a token only who knows it sees more than that it lives") {
  Desk desk;
  desk.operations.set_token("s3cret");
  for (const std::string wrong :
       {"", "s3cret", "Bearer ", "Bearer s3cre", "Bearer s3creT", "Bearer s3cret2"}) {
    CAPTURE(wrong);
    CHECK(desk.ask("/metrics", wrong).status == 401);
    CHECK(desk.ask("/health/db", wrong).status == 401);
    CHECK(desk.ask("/nothing", wrong).status == 401);
  }
  CHECK(desk.taken == 0);
  CHECK(desk.ask("/metrics", "Bearer s3cret").status == 200);
  CHECK(desk.ask("/live").status == 200);
  CHECK(desk.ask("/ready").status == 200);
  CHECK(desk.ask("/health").status == 200);
}

TEST_CASE("what there is not is 404 with what there is, and what changes something is 405") {
  Desk desk;
  const HttpAnswer missing = desk.ask("/metric");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("/metrics") != std::string::npos);
  CHECK(desk.ask("/metrics", {}, "POST").status == 405);
}

}  // namespace ballast
