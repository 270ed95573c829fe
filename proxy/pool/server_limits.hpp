// ServerLimits: how many connections the database takes, asked of it by one query of our own. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace ballast {

struct ServerLimits {
  int max_connections = 0;
  int reserved = 0;  // of these, for superusers and for roles that are pg_use_reserved_connections
  bool operator==(const ServerLimits&) const = default;
};

extern const std::string_view limits_query;

// The body of the one DataRow of the answer. Nothing: it is none.
std::optional<ServerLimits> read_limits(std::string_view row);

}  // namespace ballast
