#include "proxy/pool/keepalive_spending.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace ballast {
namespace {

constexpr std::string_view title = "ballast keepalive 1\n";

// "name value\n" off the front of the text.
template <typename T>
std::optional<T> take_line(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length >= text.size() || text[length] != '\n') return std::nullopt;
  text.remove_prefix(length + 1);
  return value;
}

}  // namespace

std::string to_text(const KeepaliveSpending& spending) {
  return std::string(title) + "year " + std::to_string(static_cast<int>(spending.month.year())) + "\nmonth " +
         std::to_string(static_cast<unsigned>(spending.month.month())) + "\nawake_ms " +
         std::to_string(spending.awake.count()) + "\ncu_microseconds " +
         std::to_string(spending.cu_microseconds) + "\nend\n";
}

std::optional<KeepaliveSpending> parse_keepalive_spending(std::string_view text) {
  if (!text.starts_with(title)) return std::nullopt;
  text.remove_prefix(title.size());
  const auto year = take_line<int>(text, "year ");
  const auto month = take_line<unsigned>(text, "month ");
  const auto awake = take_line<std::int64_t>(text, "awake_ms ");
  const auto cu_microseconds = take_line<std::int64_t>(text, "cu_microseconds ");
  if (!year || !month || !awake || !cu_microseconds || text != "end\n") return std::nullopt;
  const bool makes_sense =
      *year >= 1970 && *year <= 9999 && *month >= 1 && *month <= 12 && *awake >= 0 && *cu_microseconds >= 0;
  if (!makes_sense) return std::nullopt;
  return KeepaliveSpending{std::chrono::year(*year) / std::chrono::month(*month),
                           std::chrono::milliseconds(*awake), *cu_microseconds};
}

}  // namespace ballast
