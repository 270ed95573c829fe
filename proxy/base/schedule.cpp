#include "proxy/base/schedule.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "proxy/base/printable.hpp"

namespace ballast {
namespace {

using std::chrono::minutes;

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr minutes one_day = std::chrono::hours(24);

[[noreturn]] void refuse(std::string_view part, const std::string& problem) {
  throw std::invalid_argument("\"" + printable(part) + "\": " + problem);
}

// What stands before the separator; `text` is left with what stands behind it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(blanks)));
    text.remove_prefix(words.back().size());
  }
}

std::size_t day(std::string_view name, std::string_view part) {
  const auto found = std::find(day_names.begin(), day_names.end(), name);
  if (found == day_names.end()) refuse(part, "days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, as in Mon-Fri,Sun");
  return static_cast<std::size_t>(found - day_names.begin());
}

std::array<bool, 7> days_of(std::string_view text, std::string_view part) {
  std::array<bool, 7> days{};
  while (!text.empty()) {
    std::string_view range = cut(text, ',');
    const bool is_range = range.find('-') != range.npos;
    std::size_t at = day(cut(range, '-'), part);
    const std::size_t last = is_range ? day(range, part) : at;
    for (; at != last; at = (at + 1) % days.size()) days[at] = true;
    days[last] = true;
  }
  return days;
}

// "8:00", "18:30"; 24:00 is one too.
std::optional<minutes> time_of_day(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string_view hour = cut(text, ':');
  const bool is_time = (hour.size() == 1 || hour.size() == 2) && text.size() == 2 &&
                       std::all_of(hour.begin(), hour.end(), is_digit) &&
                       std::all_of(text.begin(), text.end(), is_digit);
  if (!is_time) return std::nullopt;
  const minutes time(std::stoi(std::string(hour)) * 60 + std::stoi(std::string(text)));
  if (text[0] > '5' || time > one_day) return std::nullopt;
  return time;
}

bool is_hours(std::string_view word) { return word[0] >= '0' && word[0] <= '9'; }

}  // namespace

Schedule::Part Schedule::parse_part(std::string_view text) {
  std::vector<std::string_view> words = words_of(text);
  Part part;
  part.days.fill(true);
  if (!words.empty() && !is_hours(words[0])) {
    part.days = days_of(words[0], text);
    words.erase(words.begin());
  }
  if (words.empty() || words.size() > 2) {
    refuse(text, "use days, hours and a time zone, as in Mon-Fri 08:00-18:30 Europe/Berlin");
  }
  std::string_view until = words[0];
  const std::optional<minutes> from = time_of_day(cut(until, '-'));
  const std::optional<minutes> to = time_of_day(until);
  if (!from || !to || *from == one_day) refuse(text, "hours are from-to, as in 08:00-18:30");
  if (*from == *to) refuse(text, "lasts no time; a whole day is 00:00-24:00");
  part.from = *from;
  part.to = *to;
  try {
    if (words.size() == 2) part.zone = TimeZone::named(words[1]);
  } catch (const TimeZoneError& failure) {
    refuse(words[1], failure.what());
  }
  return part;
}

Schedule Schedule::parse(std::string_view text) {
  Schedule schedule;
  while (!text.empty()) {
    const std::string_view part = cut(text, ';');
    if (!words_of(part).empty()) schedule.parts_.push_back(parse_part(part));
  }
  return schedule;
}

bool Schedule::Part::covers(std::chrono::sys_seconds time) const {
  const auto clock = time + zone.offset_at(time);
  const auto date = std::chrono::floor<std::chrono::days>(clock);
  const auto since_midnight = clock - date;
  const std::size_t today = std::chrono::weekday(date).c_encoding();
  if (from < to) return days[today] && from <= since_midnight && since_midnight < to;
  const std::size_t yesterday = (today + 6) % 7;
  return (days[today] && from <= since_midnight) || (days[yesterday] && since_midnight < to);
}

bool Schedule::covers(std::chrono::sys_seconds time) const {
  return std::any_of(parts_.begin(), parts_.end(), [time](const Part& part) { return part.covers(time); });
}

}  // namespace ballast
