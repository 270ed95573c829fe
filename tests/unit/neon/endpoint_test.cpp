#include "tests/neon/rules/endpoint.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

TEST_CASE("the first that wants a sleeping compute wakes it, the others wait") {
  Endpoint endpoint;
  CHECK(endpoint.demand());
  CHECK_FALSE(endpoint.demand());
  CHECK(endpoint.state() == State::starting);
  endpoint.started(Seconds(1));
  CHECK_FALSE(endpoint.demand());
  CHECK(endpoint.wakes() == 1);
}

TEST_CASE("a compute is due when nothing has happened for the timeout") {
  Endpoint endpoint;
  endpoint.demand();
  endpoint.started(Seconds(100));
  CHECK_FALSE(endpoint.is_due(Seconds(399.9), Seconds(300)));
  CHECK(endpoint.is_due(Seconds(400), Seconds(300)));
  endpoint.saw_activity(Seconds(350));
  CHECK_FALSE(endpoint.is_due(Seconds(400), Seconds(300)));
  CHECK(endpoint.is_due(Seconds(650), Seconds(300)));
}

TEST_CASE("old news of activity changes nothing") {
  Endpoint endpoint;
  endpoint.demand();
  endpoint.started(Seconds(100));
  endpoint.saw_activity(Seconds(40));
  CHECK(endpoint.last_active() == Seconds(100));
}

TEST_CASE("a timeout of zero means never") {
  Endpoint endpoint;
  endpoint.demand();
  endpoint.started(Seconds(0));
  CHECK_FALSE(endpoint.is_due(Seconds(1e9), Seconds(0)));
}

TEST_CASE("time counts from started to stopped") {
  Endpoint endpoint;
  endpoint.demand();
  CHECK(endpoint.active_time(Seconds(5)) == Seconds(0));
  endpoint.started(Seconds(5));
  endpoint.stop();
  CHECK(endpoint.state() == State::stopping);
  CHECK_FALSE(endpoint.demand());
  endpoint.stopped(Seconds(9));
  CHECK(endpoint.active_time(Seconds(100)) == Seconds(4));
  CHECK(endpoint.suspends() == 1);
  CHECK(endpoint.demand());
}

TEST_CASE("a crash leads to sleep from every state, and is no suspend") {
  Endpoint endpoint;
  endpoint.crash(Seconds(1));
  endpoint.demand();
  endpoint.crash(Seconds(2));
  CHECK(endpoint.state() == State::idle);
  endpoint.demand();
  endpoint.started(Seconds(3));
  endpoint.crash(Seconds(5));
  CHECK(endpoint.active_time(Seconds(9)) == Seconds(2));
  CHECK(endpoint.suspends() == 0);
  CHECK(endpoint.wakes() == 2);
}

}  // namespace
}  // namespace ballast::neon
