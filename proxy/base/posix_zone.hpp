// PosixZone: a time zone as one rule for all years, written "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX, Base
// Definitions, section 8.3, with the longer times of RFC 8536, section 3.3.1). A value; pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace ballast {

class PosixZone {
 public:
  // Nothing, if it is not such a text. One with summer time but without its rule is not.
  static std::optional<PosixZone> parse(std::string_view text);

  // What the zone's clocks are ahead of UTC.
  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

 private:
  friend class PosixZoneReader;
  // When the clocks are changed, by the clock that is in force until then.
  struct Change {
    enum class Kind { month_week_day, day_but_leap_day, day } kind = Kind::month_week_day;
    unsigned month = 1;
    unsigned week = 1;  // 5: the last
    unsigned weekday = 0;
    int day = 0;  // of the year; day_but_leap_day: from 1, and February 29 is not counted; day: from 0
    std::chrono::seconds time{7200};

    std::chrono::seconds in(std::chrono::year year) const;  // since 1970, on the clock
  };

  bool is_summer(std::chrono::sys_seconds time) const;

  std::chrono::seconds standard_{0};
  std::optional<std::chrono::seconds> summer_;  // nothing: no summer time
  Change begin_;
  Change end_;
};

}  // namespace ballast
