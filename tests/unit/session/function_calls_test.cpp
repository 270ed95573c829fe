#include "proxy/session/function_calls.hpp"

#include <doctest/doctest.h>

namespace ballast {
namespace {

const ReportedParameters startup{{"datestyle", "ISO"}};

struct Court {
  ParameterSets sets;
  FunctionCalls calls{{"f"}, sets.intern(startup)};

  Verdict finds(ReportedParameters after, Pins pins = Pins::same) {
    return judge(calls, sets.intern(std::move(after)), pins, startup);
  }
};

}  // namespace

TEST_CASE("functions behind which all is as before are clean") {
  Court court;
  CHECK(court.finds({{"datestyle", "ISO"}}) == Verdict::clean);
  court.calls.have_company = true;
  CHECK(court.finds({{"datestyle", "ISO"}}) == Verdict::clean);
}

TEST_CASE("what an error or a rollback may have taken back proves nothing") {
  Court court;
  court.calls.were_undone = true;
  CHECK(court.finds({{"datestyle", "ISO"}}) == Verdict::unclear);
  CHECK(court.finds({{"datestyle", "ISO"}}, Pins::changed) == Verdict::dirty);  // a lock outlives it
}

TEST_CASE("a setting that has come, gone or changed is a find, and so is a pin") {
  Court court;
  court.calls.before = court.sets.intern({{"datestyle", "ISO, MDY"}, {"work_mem", "64"}});
  CHECK(court.finds({{"datestyle", "ISO, MDY"}, {"role", "a"}, {"work_mem", "64"}}) == Verdict::dirty);
  CHECK(court.finds({{"datestyle", "ISO, MDY"}}) == Verdict::dirty);
  CHECK(court.finds({{"datestyle", "ISO, MDY"}, {"work_mem", "32"}}) == Verdict::dirty);
  CHECK(court.finds({{"datestyle", "ISO, DMY"}, {"work_mem", "64"}}) == Verdict::dirty);
  CHECK(court.finds({{"datestyle", "ISO, MDY"}, {"work_mem", "64"}}, Pins::changed) == Verdict::dirty);
}

TEST_CASE("what another statement may have left is nobody's fault") {
  Court court;
  court.calls.have_company = true;
  CHECK(court.finds({}) == Verdict::unclear);
  CHECK(court.finds({{"datestyle", "ISO"}}, Pins::changed) == Verdict::unclear);
}

TEST_CASE("a startup value that is shown for the first time may only be in other words") {
  Court court;
  CHECK(court.finds({{"datestyle", "ISO, MDY"}}) == Verdict::unclear);
  CHECK(court.finds({{"datestyle", "ISO, MDY"}, {"work_mem", "64"}}) == Verdict::dirty);
  CHECK(court.finds({{"datestyle", "ISO, MDY"}}, Pins::changed) == Verdict::dirty);
  CHECK(court.finds({}) == Verdict::dirty);
}

TEST_CASE("people are told the names of what differs, not the values") {
  Court court;
  const ParameterSetRef before = court.sets.intern({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const ParameterSetRef after = court.sets.intern({{"a", "1"}, {"b", "secret"}, {"d", "4"}});
  CHECK(changed_settings(*before, *after) == "b, c, d");
  CHECK(changed_settings(*before, *before).empty());
}

}  // namespace ballast
