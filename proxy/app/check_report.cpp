#include "proxy/app/check_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "proxy/base/printable.hpp"

namespace ballast {
namespace {

std::string_view name_of(CheckVerdict verdict) {
  constexpr std::array<std::string_view, 3> names{"ok", "warn", "fail"};
  return names[static_cast<std::size_t>(verdict)];
}

std::string milliseconds(double time_ms) {
  std::array<char, 48> text{};
  const int length = std::snprintf(text.data(), text.size(), time_ms < 10 ? "%.2f" : "%.1f", time_ms);
  return std::string(text.data(), static_cast<std::size_t>(length));
}

std::string step_json(const Finding& finding) {
  return "{\"step\": " + json_string(finding.step) +
         ", \"verdict\": " + json_string(name_of(finding.verdict)) +
         ", \"ms\": " + (finding.time_ms ? milliseconds(*finding.time_ms) : "null") +
         ", \"found\": " + json_string(finding.found) +
         ", \"remedy\": " + (finding.remedy.empty() ? "null" : json_string(finding.remedy)) + "}";
}

}  // namespace

std::string finding_text(const Finding& finding) {
  constexpr std::size_t step_column = 6;
  constexpr std::size_t time_column = 22;
  constexpr std::size_t found_column = 34;
  const auto pad = [](std::string& line, std::size_t column) {
    line.append(line.size() < column ? column - line.size() : 1, ' ');
  };
  std::string line(name_of(finding.verdict));
  pad(line, step_column);
  line += finding.step;
  const std::string time = finding.time_ms ? milliseconds(*finding.time_ms) + " ms" : "";
  pad(line, std::max(time_column, found_column - 2 - time.size()));
  line += time;
  pad(line, found_column);
  line += printable(finding.found) + "\n";
  if (finding.remedy.empty()) return line;
  return line + std::string(found_column, ' ') + "-> " + printable(finding.remedy) + "\n";
}

std::string findings_json(const CheckReport& findings) {
  std::string steps;
  for (const Finding& finding : findings) steps += (steps.empty() ? "\n  " : ",\n  ") + step_json(finding);
  return std::string("{\"ok\": ") + (has_failed(findings) ? "false" : "true") + ", \"steps\": [" + steps +
         "\n]}\n";
}

bool has_failed(const CheckReport& findings) {
  return std::ranges::any_of(findings,
                             [](const Finding& each) { return each.verdict == CheckVerdict::fail; });
}

}  // namespace ballast
