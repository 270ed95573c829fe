#include "proxy/base/posix_zone.hpp"

#include <algorithm>

namespace ballast {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// Walks the text; what it returns is false where the text is not as it should be.
class PosixZoneReader {
 public:
  explicit PosixZoneReader(std::string_view text) : text_(text) {}

  bool zone(PosixZone& zone) {
    seconds west{0};
    if (!name() || !time(west, 24)) return false;
    zone.standard_ = -west;
    if (text_.empty()) return true;
    if (!name()) return false;
    zone.summer_ = zone.standard_ + std::chrono::hours(1);
    if (!text_.starts_with(',')) {
      if (!time(west, 24)) return false;
      zone.summer_ = -west;
    }
    return take(',') && change(zone.begin_) && take(',') && change(zone.end_) && text_.empty();
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  // Three letters or more; or between < and > digits and signs too.
  bool name() {
    const bool is_quoted = take('<');
    const auto is_part = [is_quoted](char c) {
      return is_letter(c) || (is_quoted && (is_digit(c) || c == '+' || c == '-'));
    };
    const auto end = std::find_if_not(text_.begin(), text_.end(), is_part);
    const auto length = static_cast<std::size_t>(end - text_.begin());
    text_.remove_prefix(length);
    return length >= 3 && (!is_quoted || take('>'));
  }

  bool number(int& value, int min, int max) {
    std::size_t digits = 0;
    value = 0;
    while (digits < text_.size() && digits < 4 && is_digit(text_[digits]))
      value = value * 10 + (text_[digits++] - '0');
    text_.remove_prefix(digits);
    return digits > 0 && value >= min && value <= max;
  }

  // [+-]hh[:mm[:ss]]
  bool time(seconds& value, int hours_max) {
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    if (!number(hours, 0, hours_max)) return false;
    if (take(':') && !number(minutes, 0, 59)) return false;
    if (take(':') && !number(rest, 0, 59)) return false;
    value = seconds((hours * 60 + minutes) * 60 + rest);
    if (is_negative) value = -value;
    return true;
  }

  bool change(PosixZone::Change& change) {
    if (take('M')) return month_week_day(change) && time_of(change);
    using Kind = PosixZone::Change::Kind;
    change.kind = take('J') ? Kind::day_but_leap_day : Kind::day;
    const int first = change.kind == Kind::day_but_leap_day ? 1 : 0;
    return number(change.day, first, 365) && time_of(change);
  }

  bool month_week_day(PosixZone::Change& change) {
    int month = 0;
    int week = 0;
    int weekday = 0;
    if (!number(month, 1, 12) || !take('.') || !number(week, 1, 5) || !take('.') || !number(weekday, 0, 6))
      return false;
    change.month = static_cast<unsigned>(month);
    change.week = static_cast<unsigned>(week);
    change.weekday = static_cast<unsigned>(weekday);
    return true;
  }

  bool time_of(PosixZone::Change& change) { return !take('/') || time(change.time, 167); }

  std::string_view text_;
};

std::optional<PosixZone> PosixZone::parse(std::string_view text) {
  PosixZone zone;
  if (!PosixZoneReader(text).zone(zone)) return std::nullopt;
  return zone;
}

seconds PosixZone::Change::in(std::chrono::year year) const {
  namespace c = std::chrono;
  const c::sys_days first_day = year / c::January / 1;
  c::sys_days date = first_day;
  switch (kind) {
    case Kind::month_week_day: {
      const c::month of(month);
      const c::weekday on(weekday);
      date = week == 5 ? c::sys_days(year / of / on[c::last]) : c::sys_days(year / of / on[week]);
      break;
    }
    case Kind::day_but_leap_day:
      date = first_day + c::days(day - 1 + (year.is_leap() && day >= 60 ? 1 : 0));
      break;
    case Kind::day:
      date = first_day + c::days(day);
      break;
  }
  return date.time_since_epoch() + time;
}

// The year is that of the standard clock: a rule for "always summer" has its end when the next year's begins.
bool PosixZone::is_summer(sys_seconds time) const {
  const auto date = std::chrono::floor<std::chrono::days>(time + standard_);
  const std::chrono::year year = std::chrono::year_month_day(date).year();
  const sys_seconds begin(begin_.in(year)-standard_);
  const sys_seconds end(end_.in(year) - *summer_);
  if (begin < end) return begin <= time && time < end;
  return time < end || begin <= time;
}

seconds PosixZone::offset_at(sys_seconds time) const {
  return summer_ && is_summer(time) ? *summer_ : standard_;
}

}  // namespace ballast
