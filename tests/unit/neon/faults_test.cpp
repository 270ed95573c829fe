#include "tests/neon/rules/faults.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

constexpr Seconds no_cache{0};

int row_of(const std::optional<Fault>& fault) { return fault ? fault->row->number : 0; }

TEST_CASE("an injected error comes so many times, at its stage") {
  Faults faults;
  faults.inject({find_row(31), Stage::wake, 2});
  CHECK(row_of(faults.take_for_login(Stage::auth, Seconds(0), no_cache)) == 0);
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(0), no_cache)) == 31);
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(0), no_cache)) == 31);
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(0), no_cache)) == 0);
}

TEST_CASE("without a count it comes until it is cleared") {
  Faults faults;
  faults.inject({find_row(34), Stage::wake, {}});
  for (int turn = 0; turn < 10; ++turn)
    CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(turn), Seconds(30))) == 34);
  faults.clear();
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(11), Seconds(30))) == 0);
}

TEST_CASE("what the control plane said is repeated for a while after it has changed") {
  Faults faults;
  faults.set_condition(find_row(25));
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(100), Seconds(30))) == 25);
  faults.clear_condition();
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(129), Seconds(30))) == 25);
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(130), Seconds(30))) == 0);
}

TEST_CASE("a condition lasts, and hits no other stage") {
  Faults faults;
  faults.set_condition(find_row(15));
  CHECK(row_of(faults.take_for_login(Stage::auth, Seconds(0), no_cache)) == 15);
  CHECK(row_of(faults.take_for_login(Stage::auth, Seconds(900), no_cache)) == 15);
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(900), no_cache)) == 0);
}

TEST_CASE("a session takes only what was meant for sessions") {
  Faults faults;
  faults.inject({find_row(45), Stage::session, 1});
  CHECK(row_of(faults.take_for_login(Stage::wake, Seconds(0), no_cache)) == 0);
  CHECK(row_of(faults.take_for_session()) == 45);
  CHECK(row_of(faults.take_for_session()) == 0);
}

}  // namespace
}  // namespace ballast::neon
