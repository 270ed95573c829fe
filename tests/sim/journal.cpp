#include "tests/sim/journal.hpp"

#include <cstdio>

#include "protocol/message.hpp"

namespace ballast::sim {

namespace {
constexpr std::size_t shown_max = 160;

double milliseconds(TimePoint time) {
  return std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
}
}  // namespace

void Journal::print(std::string_view who, std::string_view what) const {
  std::fprintf(stderr, "%12.3f ms  %-10.*s %.*s\n", milliseconds(loop_.now()), static_cast<int>(who.size()),
               who.data(), static_cast<int>(what.size()), what.data());
}

void Journal::fail(std::string_view who, std::string_view what) {
  if (!is_silent()) print(who, "FAILED: " + std::string(what));
  if (has_failed()) return;
  char time[32];
  std::snprintf(time, sizeof time, "%.3f", milliseconds(loop_.now()));
  failure_ = std::string(time) + " ms, " + std::string(who) + ": " + std::string(what);
}

std::string readable(std::string_view message) {
  if (message.empty()) return "nothing";
  std::string text(1, message.front());
  if (message.size() > header_size) text += ' ';
  const std::string_view body = message.substr(std::min(message.size(), header_size));
  for (const char c : body.substr(0, shown_max)) text += c >= ' ' && c <= '~' ? c : '.';
  if (body.size() > shown_max) text += "... (" + std::to_string(message.size()) + " bytes)";
  return text;
}

}  // namespace ballast::sim
