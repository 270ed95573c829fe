#include "proxy/base/time_zone.hpp"

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

namespace ballast {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;
using namespace std::string_literals;

std::string big_endian(std::int64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

// A file as RFC 8536 has it, with an empty block of version 1.
struct File {
  char version = '2';
  std::vector<std::int64_t> times{};
  std::string types{};  // of the times
  std::vector<std::int32_t> offsets{};
  int leap_seconds = 0;
  std::string footer = "\n\n";

  std::string header(std::size_t time_count, std::size_t type_count, std::size_t leap_count) const {
    const std::string none = big_endian(0, 4);
    return "TZif"s + version + std::string(15, '\0') + none + none +
           big_endian(static_cast<std::int64_t>(leap_count), 4) +
           big_endian(static_cast<std::int64_t>(time_count), 4) +
           big_endian(static_cast<std::int64_t>(type_count), 4) + none;
  }
  std::string text() const {
    std::string text = header(0, 0, 0);
    text += header(times.size(), offsets.size(), static_cast<std::size_t>(leap_seconds));
    for (const std::int64_t time : times) text += big_endian(time, 8);
    text += types;
    for (const std::int32_t offset : offsets) text += big_endian(offset, 4) + "\0\0"s;
    text += std::string(static_cast<std::size_t>(leap_seconds) * 12, '\0');
    return text + footer;
  }
};

sys_seconds at(std::int64_t time) { return sys_seconds(seconds(time)); }

std::string complaint(const std::string& bytes) {
  try {
    TimeZone::parse(bytes);
  } catch (const TimeZoneError& failure) {
    return failure.what();
  }
  return "";
}

std::string complaint_about(const std::string& name) {
  try {
    TimeZone::named(name);
  } catch (const TimeZoneError& failure) {
    return failure.what();
  }
  return "";
}

// The C library's own answers for a zone, while it lives.
class SystemZone {
 public:
  explicit SystemZone(const char* name) {
    if (const char* const old = std::getenv("TZ")) before_ = old;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~SystemZone() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  SystemZone(const SystemZone&) = delete;
  SystemZone& operator=(const SystemZone&) = delete;
  seconds offset_at(std::int64_t time) const {
    const std::time_t when = time;
    std::tm clock{};
    ::localtime_r(&when, &clock);
    return seconds(clock.tm_gmtoff);
  }

 private:
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("UTC is known without a file") { CHECK(TimeZone::named("UTC", "/none").offset_at(at(0)) == 0s); }

TEST_CASE("each period has its offset from its first second on") {
  const TimeZone zone =
      TimeZone::parse(File{.times = {100, 200}, .types = "\1\0"s, .offsets = {3600, 7200}}.text());
  CHECK(zone.offset_at(at(99)) == 1h);
  CHECK(zone.offset_at(at(100)) == 2h);
  CHECK(zone.offset_at(at(199)) == 2h);
  CHECK(zone.offset_at(at(200)) == 1h);
  CHECK(zone.offset_at(at(std::int64_t{1} << 40)) == 1h);
}

TEST_CASE("behind the last period the footer's rule holds") {
  File file{.times = {0}, .types = "\0"s, .offsets = {600}};
  file.footer = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  const TimeZone zone = TimeZone::parse(file.text());
  CHECK(zone.offset_at(at(-1)) == 10min);
  CHECK(zone.offset_at(sys_days(2100y / July / 1)) == 2h);
  CHECK(zone.offset_at(sys_days(2100y / December / 1)) == 1h);
}

TEST_CASE("a zone that has never changed is one offset, or its footer") {
  CHECK(TimeZone::parse(File{.offsets = {3600}}.text()).offset_at(at(5)) == 1h);
  CHECK(TimeZone::parse(File{.offsets = {0}, .footer = "\nJST-9\n"}.text()).offset_at(at(5)) == 9h);
}

TEST_CASE("a file that is cut short anywhere is refused") {
  File file{.times = {100, 200}, .types = "\1\0"s, .offsets = {3600, 7200}};
  file.footer = "\nCET-1\n";
  const std::string whole = file.text();
  REQUIRE(complaint(whole) == "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(complaint(whole.substr(0, length)) != "");
  }
}

TEST_CASE("a file that contradicts itself is refused") {
  const File sound{.times = {100, 200}, .types = "\1\0"s, .offsets = {3600, 7200}};
  File file = sound;
  file.version = '\0';
  CHECK(complaint(file.text()) == "is of the format before version 2");
  file = sound;
  file.times = {200, 100};
  CHECK(complaint(file.text()) == "is not in order");
  file = sound;
  file.types = "\2\0"s;
  CHECK(complaint(file.text()) == "names a type that it does not have");
  file = sound;
  file.offsets = {3600, 100'000};
  CHECK(complaint(file.text()) == "has an offset of more than a day");
  file = sound;
  file.leap_seconds = 1;
  CHECK(complaint(file.text()) == "counts leap seconds");
  file = sound;
  file.footer = "\nnonsense\n";
  CHECK(complaint(file.text()) == "has a footer that is no rule");
  CHECK(complaint(File().text()) == "has no types of local time");
  CHECK(complaint("#!/bin/sh") == "not a time zone file");
}

TEST_CASE("counts that the file can't have are refused before anything is read by them") {
  std::string bytes = File{.offsets = {3600}}.text();
  bytes.replace(44 + 32, 4, "\xff\xff\xff\xff");
  CHECK(complaint(bytes) == "ends too early");
}

TEST_CASE("the name leads to no other place than a file of the folder") {
  for (const char* const name :
       {"", "/etc/passwd", "../localtime", "Europe/../UTC", "Europe/Berlin\n", "a b"}) {
    CAPTURE(name);
    CHECK(complaint_about(name) == "not the name of a time zone, such as Europe/Berlin or UTC");
  }
  CHECK(complaint_about("Europe/Atlantis") == "no such time zone in /usr/share/zoneinfo (package tzdata)");
  CHECK(complaint_about("Europe") == "no such time zone in /usr/share/zoneinfo (package tzdata)");
}

TEST_CASE("a damaged file is named as such") {
  const TemporaryFolder folder;
  folder.write("Nowhere", "TZif2");
  CHECK_THROWS_WITH_AS(TimeZone::named("Nowhere", folder.path("")),
                       ("its file in " + folder.path("") + " ends too early").c_str(), TimeZoneError);
}

TEST_CASE("the offsets are those of the C library, from 1900 to 2100") {
  for (const char* const name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
                                 "Europe/Dublin", "Africa/Casablanca", "America/Nuuk", "Pacific/Apia"}) {
    const TimeZone zone = TimeZone::named(name);
    const SystemZone system(name);
    std::int64_t first_difference = 0;
    // 7 hours and some, so that every hour of the day is met.
    for (std::int64_t time = -2'208'988'800; time < 4'102'444'800; time += 27'011) {
      if (zone.offset_at(at(time)) == system.offset_at(time)) continue;
      first_difference = time;
      break;
    }
    CAPTURE(name);
    CHECK(first_difference == 0);
  }
}

}  // namespace ballast
