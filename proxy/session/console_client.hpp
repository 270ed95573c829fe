// ConsoleClient: a client that has logged in with the console's name for a database, on its way from the
// session that has seen to its login to the console. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/startup.hpp"

#include "proxy/io/inbox.hpp"
#include "proxy/io/outlet.hpp"
#include "proxy/io/stream.hpp"

namespace ballast {

struct ConsoleClient {
  std::uint64_t id = 0;
  std::unique_ptr<Stream> stream;
  Inbox inbox;    // keeps what has come behind the login
  Outlet outlet;  // holds the login's end: AuthenticationOk
  StartupMessage startup;
  std::string cancel_secret;  // for its BackendKeyData
};

// "pgbouncer" for what knows PgBouncer's.
inline bool is_console_name(std::string_view database) {
  return database == "ballast" || database == "pgbouncer";
}

}  // namespace ballast
