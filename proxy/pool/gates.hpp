// Gates: whom an operator lets through at the moment (PAUSE, DISABLE, SUSPEND, a drain), in PgBouncer's
// words. Plain data: Administration has the one that counts, each worker a copy of it.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace ballast {

struct Gates {
  using Databases = std::set<std::string, std::less<>>;  // by the names that clients use

  bool are_all_paused = false;
  bool is_suspended = false;  // clients are not read
  bool is_leaving = false;    // the process ends soon, and keeps no servers that nobody uses
  Databases paused;
  Databases disabled;

  bool is_paused(std::string_view database) const { return are_all_paused || paused.contains(database); }
  bool is_disabled(std::string_view database) const { return disabled.contains(database); }
};

// Whether a command for `named` is about that database; empty: about all.
inline bool is_meant(std::string_view named, std::string_view database) {
  return named.empty() || named == database;
}

}  // namespace ballast
