// Schedule: hours of the week, by the clocks of a place:
//
//   Mon-Fri 08:00-18:30 Europe/Berlin; Sat,Sun 22:00-02:00 America/New_York; 12:00-13:00
//
// Each part has days (every day, if it names none), from and to, and a time zone (UTC, if it names none).
// Where `to` is not after `from`, it is the next day's, and the days are those on which it begins; 24:00 is
// the end of a day. What counts is what the clocks show: an hour that they skip never comes, one that they
// show twice comes twice.
//
// A value that never changes; any thread.
#pragma once

#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "proxy/base/time_zone.hpp"

namespace ballast {

class Schedule {
 public:
  // Throws std::invalid_argument, which says what is wrong and what would be right. Reads the files of the
  // time zones.
  static Schedule parse(std::string_view text);

  bool covers(std::chrono::sys_seconds time) const;

 private:
  struct Part {
    std::array<bool, 7> days{};  // from Sunday on
    std::chrono::minutes from{0};
    std::chrono::minutes to{0};
    TimeZone zone;

    bool covers(std::chrono::sys_seconds time) const;
  };
  static Part parse_part(std::string_view text);

  std::vector<Part> parts_;
};

}  // namespace ballast
