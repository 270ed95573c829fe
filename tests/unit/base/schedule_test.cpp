#include "proxy/base/schedule.hpp"

#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

// November 2026 begins on a Sunday.
sys_seconds on(unsigned date, seconds time) { return sys_days(2026y / November / day(date)) + time; }

std::string complaint(const std::string& text) {
  try {
    Schedule::parse(text);
  } catch (const std::invalid_argument& failure) {
    return failure.what();
  }
  return "";
}

// Minutes from `first` on, for so long, that it covers.
int minutes_covered(const Schedule& schedule, sys_seconds first, minutes length) {
  int count = 0;
  for (minutes at{0}; at < length; ++at) count += schedule.covers(first + at) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a part covers its hours on its days, the end not included") {
  const Schedule schedule = Schedule::parse("Mon-Fri 08:00-18:30");
  CHECK_FALSE(schedule.covers(on(2, 8h - 1s)));
  CHECK(schedule.covers(on(2, 8h)));
  CHECK(schedule.covers(on(6, 18h + 30min - 1s)));
  CHECK_FALSE(schedule.covers(on(6, 18h + 30min)));
  CHECK_FALSE(schedule.covers(on(7, 12h)));
  CHECK_FALSE(schedule.covers(on(8, 12h)));
}

TEST_CASE("parts have days, hours and a time zone of their own") {
  const Schedule schedule =
      Schedule::parse("Mon-Fri 08:00-18:30 Europe/Berlin; Sat 10:00-12:00 America/New_York; ");
  CHECK(schedule.covers(on(2, 7h)));
  CHECK_FALSE(schedule.covers(on(2, 17h + 30min)));
  CHECK(schedule.covers(on(7, 15h)));
  CHECK_FALSE(schedule.covers(on(7, 17h)));
}

TEST_CASE("days are single ones, ranges, over the week's end too, and lists; without, all") {
  const Schedule listed = Schedule::parse("Tue,Fri-Sun 12:00-13:00");
  const bool expected[] = {true, false, true, false, false, true, true};
  for (unsigned i = 0; i < 7; ++i) CHECK(listed.covers(on(1 + i, 12h)) == expected[i]);
  CHECK(minutes_covered(Schedule::parse("12:00-13:00"), on(1, 0s), 24h * 7) == 7 * 60);
}

TEST_CASE("hours over midnight belong to the day on which they begin") {
  const Schedule schedule = Schedule::parse("Fri 22:00-02:00");
  CHECK_FALSE(schedule.covers(on(6, 1h)));
  CHECK(schedule.covers(on(6, 23h)));
  CHECK(schedule.covers(on(7, 1h)));
  CHECK_FALSE(schedule.covers(on(7, 2h)));
  CHECK_FALSE(schedule.covers(on(7, 23h)));
}

TEST_CASE("a day ends at 24:00, or at 00:00") {
  CHECK(minutes_covered(Schedule::parse("Mon 00:00-24:00"), on(1, 0s), 72h) == 24 * 60);
  CHECK(minutes_covered(Schedule::parse("Mon 22:00-00:00"), on(1, 0s), 72h) == 120);
  CHECK(minutes_covered(Schedule::parse("Mon 22:00-24:00"), on(1, 0s), 72h) == 120);
}

TEST_CASE("hours follow the clocks when they change") {
  const Schedule schedule = Schedule::parse("08:00-09:00 Europe/Berlin");
  CHECK(schedule.covers(sys_days(2026y / March / 28) + 7h));
  CHECK(schedule.covers(sys_days(2026y / March / 29) + 6h));
  CHECK_FALSE(schedule.covers(sys_days(2026y / March / 29) + 7h));
  CHECK(schedule.covers(sys_days(2026y / October / 24) + 6h));
  CHECK(schedule.covers(sys_days(2026y / October / 25) + 7h));
}

TEST_CASE("an hour that the clocks skip never comes, one that they show twice comes twice") {
  const Schedule schedule = Schedule::parse("02:15-02:45 Europe/Berlin");
  CHECK(minutes_covered(schedule, sys_days(2026y / March / 28), 24h) == 30);
  CHECK(minutes_covered(schedule, sys_days(2026y / March / 29), 24h) == 0);
  CHECK(minutes_covered(schedule, sys_days(2026y / October / 25), 24h) == 60);
  const Schedule longer = Schedule::parse("Sun 00:00-24:00 Europe/Berlin");
  CHECK(minutes_covered(longer, sys_days(2026y / March / 28), 72h) == 23 * 60);
  CHECK(minutes_covered(longer, sys_days(2026y / October / 24), 72h) == 25 * 60);
}

TEST_CASE("a place far from UTC has other days") {
  const Schedule schedule = Schedule::parse("Mon 00:00-06:00 Pacific/Auckland");
  CHECK(schedule.covers(on(1, 12h)));
  CHECK_FALSE(schedule.covers(on(2, 12h)));
}

TEST_CASE("no parts cover nothing") {
  CHECK_FALSE(Schedule::parse("").covers(on(1, 0s)));
  CHECK_FALSE(Schedule::parse(" ; ").covers(on(1, 0s)));
}

TEST_CASE("what can't be read is said, with what could be") {
  CHECK(complaint("Mon") ==
        "\"Mon\": use days, hours and a time zone, as in Mon-Fri 08:00-18:30 Europe/Berlin");
  CHECK(complaint("Mon 08:00-18:30 Europe/Berlin now").find("use days, hours") != std::string::npos);
  CHECK(complaint("Mo 08:00-18:30").find("days are Mon, Tue") != std::string::npos);
  for (const char* const days : {"Mon-", "-Mon", "Mon,,Tue", ",Mon", "Mon-Tue-Wed"})
    CHECK(complaint(std::string(days) + " 08:00-18:30").find("days are Mon, Tue") != std::string::npos);
  for (const char* const hours : {"8", "08:00", "08:00-", "24:00-25:00", "08:60-09:00", "08:00-24:01",
                                  "008:00-09:00", "08:0-09:00", "08:00-18:30-19:00", "08-18"}) {
    CAPTURE(hours);
    CHECK(complaint(hours).find("hours are from-to, as in 08:00-18:30") != std::string::npos);
  }
  CHECK(complaint("08:00-08:00").find("lasts no time; a whole day is 00:00-24:00") != std::string::npos);
  CHECK(complaint("08:00-09:00 Berlin").starts_with("\"Berlin\": no such time zone"));
}

}  // namespace ballast
