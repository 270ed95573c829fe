// PoolKey: what makes two sessions able to share a server: the database and the user that the client named.
#pragma once

#include <compare>
#include <string>

namespace ballast {

struct PoolKey {
  std::string database;
  std::string user;
  bool replication = false;  // a server of its own for one replication connection
  bool listening = false;    // of the one that listens for many (Notifications)
  auto operator<=>(const PoolKey&) const = default;
};

}  // namespace ballast
