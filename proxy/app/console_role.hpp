// ConsoleRole: what a user may do on the console. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/settings.hpp"

namespace ballast {

enum class ConsoleRole : std::uint8_t {
  stats,  // SHOW, but not FDS
  admin,
};

// By admin_users and stats_users; where both are empty, the database URL's own user is an admin. Nullopt: may
// not log in to it.
std::optional<ConsoleRole> console_role(const Settings& settings, std::string_view user);

}  // namespace ballast
