// KeepaliveSpending: what keepalive has bought in a calendar month (UTC), and how that is written into a
// file. A value; pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ballast {

struct KeepaliveSpending {
  std::chrono::year_month month{std::chrono::year(1970), std::chrono::January};
  std::chrono::milliseconds awake{0};  // that it would have been asleep without us
  // The same, times the size that the compute had. Whole numbers: what is counted in small pieces adds up.
  std::int64_t cu_microseconds = 0;

  static constexpr std::int64_t cu_hour = std::int64_t{3600} * 1'000'000;  // in these
  double cu_hours() const { return static_cast<double>(cu_microseconds) / cu_hour; }
  bool operator==(const KeepaliveSpending&) const = default;
};

std::string to_text(const KeepaliveSpending& spending);
// Nothing: it is not such a text, whole and unchanged.
std::optional<KeepaliveSpending> parse_keepalive_spending(std::string_view text);

}  // namespace ballast
