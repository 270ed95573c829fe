#include "proxy/app/database_health.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;
using Found = DatabaseProbe::Verdict;

DatabaseProbe::Outcome outcome(Found verdict, Upstream::State state) {
  DatabaseProbe::Outcome made;
  made.verdict = verdict;
  made.upstream.state = state;
  made.upstream.since = long_ago;
  made.took = 2500us;
  return made;
}

}  // namespace

TEST_CASE("what has answered is well, what is silent is not, whatever else is known") {
  using State = Upstream::State;
  CHECK(is_well(outcome(Found::answered, State::awake)));
  CHECK(is_well(outcome(Found::answered, State::down)));
  CHECK_FALSE(is_well(outcome(Found::silent, State::awake)));
  CHECK(is_well(outcome(Found::not_asked, State::asleep)));
  CHECK_FALSE(is_well(outcome(Found::not_asked, State::refused)));
}

TEST_CASE("an answer says what was done and why it was not") {
  CHECK(
      database_health_json(outcome(Found::answered, Upstream::State::awake)) ==
      R"({"state": "awake", "since": null, "last_error": null, "asked": true, "answered": true, "took_ms": 2.5})");
  DatabaseProbe::Outcome resting = outcome(Found::not_asked, Upstream::State::awake);
  resting.reason = "it rests";
  const std::string text = database_health_json(resting);
  CHECK(text.find(R"("asked": false, "answered": null, "reason": "it rests")") != std::string::npos);
}

TEST_CASE("the last failure comes with its text, and moments in UTC") {
  DatabaseProbe::Outcome failed = outcome(Found::not_asked, Upstream::State::down);
  failed.upstream.since = failed.upstream.failed_at = Clock::now() - 1min;
  failed.upstream.last_error = {Severity::fatal, "57P03", "it is \"starting\"", {}, {}};
  const std::string text = database_health_json(failed);
  CHECK(text.find(R"("sqlstate": "57P03", "message": "it is \"starting\"")") != std::string::npos);
  const std::size_t at = text.find("\"since\": \"20");
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(at + 29, 2) == "Z\"");
}

}  // namespace ballast
