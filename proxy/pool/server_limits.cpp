#include "proxy/pool/server_limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "protocol/reader.hpp"

namespace ballast {

// reserved_connections there is since PostgreSQL 16. What Neon needs for itself its superuser has of the
// reserve (compute/manifest.yaml: superuser_reserved_connections is 7).
const std::string_view limits_query =
    "SELECT pg_catalog.current_setting('max_connections'),"
    "pg_catalog.current_setting('superuser_reserved_connections'),"
    "pg_catalog.current_setting('reserved_connections',true)";

std::optional<ServerLimits> read_limits(std::string_view row) {
  constexpr int highest = 262143;  // MAX_BACKENDS of PostgreSQL 15 (postmaster.h)
  Reader reader(row);
  std::array<int, 3> numbers{};
  if (reader.int16() != static_cast<int>(numbers.size())) return std::nullopt;
  for (int& number : numbers) {
    const std::int32_t length = reader.int32();
    const std::string_view text = reader.bytes(static_cast<std::size_t>(std::max(length, 0)));
    if (length < 0) continue;  // there is no such setting
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    if (!is_number || number < 0 || number > highest) return std::nullopt;
  }
  if (!reader.finished() || numbers[0] == 0) return std::nullopt;
  return ServerLimits{numbers[0], numbers[1] + numbers[2]};
}

}  // namespace ballast
