#include "proxy/base/posix_zone.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

sys_seconds at(int year, unsigned month, unsigned day, seconds time) {
  return sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) + time;
}

seconds offset(std::string_view rule, sys_seconds time) {
  const auto zone = PosixZone::parse(rule);
  REQUIRE(zone);
  return zone->offset_at(time);
}

}  // namespace

TEST_CASE("a zone without summer time has one offset, counted against the sign that it is written with") {
  CHECK(offset("UTC0", at(2026, 7, 1, 0s)) == 0s);
  CHECK(offset("JST-9", at(2026, 7, 1, 0s)) == 9h);
  CHECK(offset("<+0530>-5:30", at(2026, 7, 1, 0s)) == 5h + 30min);
  CHECK(offset("<-03>+3", at(2026, 7, 1, 0s)) == -3h);
  CHECK(offset("LMT0:01:15", at(2026, 7, 1, 0s)) == -75s);
}

TEST_CASE("summer time begins and ends at the very second") {
  const std::string berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
  CHECK(offset(berlin, at(2026, 3, 29, 1h - 1s)) == 1h);
  CHECK(offset(berlin, at(2026, 3, 29, 1h)) == 2h);
  CHECK(offset(berlin, at(2026, 10, 25, 1h - 1s)) == 2h);
  CHECK(offset(berlin, at(2026, 10, 25, 1h)) == 1h);
  const std::string new_york = "EST5EDT,M3.2.0,M11.1.0";
  CHECK(offset(new_york, at(2026, 3, 8, 7h - 1s)) == -5h);
  CHECK(offset(new_york, at(2026, 3, 8, 7h)) == -4h);
  CHECK(offset(new_york, at(2026, 11, 1, 6h - 1s)) == -4h);
  CHECK(offset(new_york, at(2026, 11, 1, 6h)) == -5h);
}

TEST_CASE("in the south it is summer over the turn of the year") {
  const std::string sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
  CHECK(offset(sydney, at(2026, 1, 1, 0s)) == 11h);
  CHECK(offset(sydney, at(2026, 7, 1, 0s)) == 10h);
  CHECK(offset(sydney, at(2026, 12, 31, 20h)) == 11h);
}

TEST_CASE(
    "summer time may be behind, by another step than an hour, and at times before midnight or after it") {
  CHECK(offset("IST-1GMT0,M10.5.0,M3.5.0/1", at(2026, 1, 1, 0s)) == 0h);
  CHECK(offset("IST-1GMT0,M10.5.0,M3.5.0/1", at(2026, 7, 1, 0s)) == 1h);
  CHECK(offset("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", at(2026, 1, 1, 0s)) == 11h);
  // Saturday before the last Sunday of March, 22:00 at UTC-2: its second hour of Sunday, UTC.
  const std::string nuuk = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
  CHECK(offset(nuuk, at(2026, 3, 29, 1h - 1s)) == -2h);
  CHECK(offset(nuuk, at(2026, 3, 29, 1h)) == -1h);
}

TEST_CASE("days may be counted through the year, February 29 with or without") {
  CHECK(offset("AAA0BBB,J60/0,J61/0", at(2024, 3, 1, 1h)) == 1h);
  CHECK(offset("AAA0BBB,J60/0,J61/0", at(2025, 3, 1, 1h)) == 1h);
  CHECK(offset("AAA0BBB,59/0,60/0", at(2024, 2, 29, 1h)) == 1h);
  CHECK(offset("AAA0BBB,59/0,60/0", at(2025, 3, 1, 1h)) == 1h);
}

TEST_CASE("a rule can say that it is always summer [RFC 8536, 3.3.1]") {
  const std::string always = "EST5EDT,0/0,J365/25";
  for (const sys_seconds time :
       {at(2026, 1, 1, 0s), at(2026, 1, 1, 5h), at(2026, 12, 31, 23h), at(2027, 1, 1, 4h)})
    CHECK(offset(always, time) == -4h);
}

TEST_CASE("what is no rule is not taken for one") {
  for (const char* const text :
       {"", "CE", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-25", "<CET-1", "CET-1CEST,J0,J5", "CET-1CEST,366,5",
        "CET-99999999999", ":Europe/Berlin"}) {
    CAPTURE(text);
    CHECK_FALSE(PosixZone::parse(text));
  }
}

TEST_CASE("a rule cut short anywhere does no harm") {
  const std::string whole = "<+1030>-10:30:15<+11>-11,M10.1.0/2:30,M4.1.0/-3";
  REQUIRE(PosixZone::parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) PosixZone::parse(whole.substr(0, length));
}

}  // namespace ballast
