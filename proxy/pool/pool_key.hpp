// PoolKey: what makes two sessions able to share a server: the database and the user that the client named.
#pragma once

#include <compare>
#include <string>

#include "protocol/startup.hpp"

namespace ballast {

struct PoolKey {
  std::string database;
  std::string user;
  Replication replication = Replication::none;  // if any: a server of its own for one such connection
  bool listening = false;                       // of the one that listens for many (Notifications)

  // Whose pool it counts to, for who looks.
  PoolKey ordinary() const { return {database, user}; }
  auto operator<=>(const PoolKey&) const = default;
};

}  // namespace ballast
