#include "proxy/app/console_role.hpp"

#include <algorithm>

namespace ballast {

namespace {

// Names between commas; white space around them is not part of them.
bool lists(std::string_view list, std::string_view user) {
  constexpr std::string_view space = " \t";
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    std::string_view name = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    name.remove_prefix(std::min(name.find_first_not_of(space), name.size()));
    name = name.substr(0, name.find_last_not_of(space) + 1);
    if (!name.empty() && name == user) return true;
  }
  return false;
}

}  // namespace

std::optional<ConsoleRole> console_role(const Settings& settings, std::string_view user) {
  const bool is_nobody_named = settings.admin_users.empty() && settings.stats_users.empty();
  if (is_nobody_named && !user.empty() && user == settings.upstream.user) return ConsoleRole::admin;
  if (lists(settings.admin_users, user)) return ConsoleRole::admin;
  if (lists(settings.stats_users, user)) return ConsoleRole::stats;
  return std::nullopt;
}

}  // namespace ballast
