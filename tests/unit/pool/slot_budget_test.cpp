#include "proxy/pool/slot_budget.hpp"

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

constexpr ServerLimits neon{104, 7};  // the smallest compute
const TimePoint start{1h};

}  // namespace

TEST_CASE("there is no bound before the database has said one") {
  const SlotBudget budget;
  CHECK(budget.most() == SlotBudget::unlimited);
  CHECK_FALSE(budget.figures().is_shrunk());
}

TEST_CASE("what is reserved and a part for others are kept free") {
  SlotBudget budget;
  CHECK(budget.learn(neon));
  CHECK(budget.most() == 93);
  CHECK(to_text(budget.figures()) == "max_connections 104: 7 reserved, 4 left for others");
  CHECK_FALSE(budget.learn(neon));
}

TEST_CASE("however small the database, one server may be there") {
  for (int max = 1; max <= 12; ++max) {
    CAPTURE(max);
    SlotBudget budget;
    budget.learn({max, 3});
    CHECK(budget.most() >= 1);
    CHECK(budget.most() <= std::max(1, max - 3 - (max > 4 ? 1 : 0)));
  }
}

TEST_CASE("one asks, and another only if no answer comes for a minute") {
  SlotBudget budget;
  CHECK(budget.take_question(start));
  CHECK_FALSE(budget.take_question(start + 59s));
  CHECK(budget.take_question(start + 60s));
  budget.learn(neon);
  CHECK_FALSE(budget.take_question(start + 1h));
}

TEST_CASE("what is in doubt is asked again, and counts until then") {
  SlotBudget budget;
  CHECK(budget.take_question(start));
  budget.learn(neon);
  budget.doubt();
  CHECK(budget.most() == 93);
  CHECK(budget.take_question(start + 1s));
  CHECK(budget.learn({419, 7}));
  CHECK(budget.most() == 392);
  budget.forget();
  CHECK(budget.most() == SlotBudget::unlimited);
}

TEST_CASE("after a refusal there may be as many as there were, then one more after each quiet pause") {
  SlotBudget budget;
  CHECK(budget.refused(start, 5, 8));
  CHECK(budget.most() == 5);
  CHECK(budget.figures().is_shrunk());
  CHECK_FALSE(budget.grow(start + 700ms));
  CHECK(budget.most() == 5);
  TimePoint now = start;
  for (int most = 6; most < 8; ++most) {
    now += 1s;
    CHECK_FALSE(budget.grow(now));
    CHECK(budget.most() == most);
  }
  CHECK(budget.grow(now + 1s));
  CHECK(budget.most() == SlotBudget::unlimited);
  CHECK_FALSE(budget.grow(now + 2s));
}

TEST_CASE("each further refusal doubles the pause, up to a minute") {
  SlotBudget budget;
  TimePoint now = start;
  CHECK(budget.refused(now, 5, 100));
  Duration pause = 1s;
  for (int i = 0; i < 9; ++i) {
    CHECK_FALSE(budget.refused(now, 5, 100));
    pause = std::min<Duration>(pause * 2, 60s);
    budget.grow(now + pause * 3 / 4 - 1ms);
    CHECK(budget.most() == 5);
    now += pause;
    budget.grow(now);
    CHECK(budget.most() == 6);
  }
}

TEST_CASE("a pause is new after all has been well again") {
  SlotBudget budget;
  budget.refused(start, 1, 2);
  budget.refused(start, 1, 2);
  CHECK(budget.grow(start + 2s));
  CHECK(budget.refused(start + 3s, 1, 2));
  CHECK(budget.grow(start + 4s));
}

TEST_CASE("it grows no further than the database says, and back to it") {
  SlotBudget budget;
  budget.learn({10, 3});
  CHECK(budget.most() == 6);
  budget.refused(start, 5, 40);
  CHECK(budget.most() == 5);
  CHECK(budget.grow(start + 1s));
  CHECK(budget.most() == 6);
}

TEST_CASE("where no server was there, one is tried at a time") {
  SlotBudget budget;
  budget.refused(start, 0, 8);
  CHECK(budget.most() == 1);
}

TEST_CASE("a database of another size is tried anew") {
  SlotBudget budget;
  budget.learn(neon);
  budget.refused(start, 5, 20);
  CHECK(budget.learn({419, 7}));
  CHECK(budget.most() == 392);
}

}  // namespace ballast
