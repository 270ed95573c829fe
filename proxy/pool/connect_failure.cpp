#include "proxy/pool/connect_failure.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace ballast {

namespace {

struct Known {
  std::string_view words;  // that the message contains, whatever their case
  ConnectFailure kind;
};

// The first that fits counts.
constexpr std::array known{
    Known{"too many connections to this endpoint", ConnectFailure::crowded},
    Known{"too many connections attempts", ConnectFailure::crowded},
    Known{"failed to acquire permit to connect", ConnectFailure::crowded},
    Known{"remaining connection slots are reserved", ConnectFailure::full},
    Known{"sorry, too many clients already", ConnectFailure::full},
    Known{"no more connections allowed", ConnectFailure::full},
    Known{"too many connections for ", ConnectFailure::crowded},  // one role or database
    Known{"rate limit", ConnectFailure::crowded},

    Known{"endpoint is idle", ConnectFailure::passing},
    Known{"waiting for endpoint to become active", ConnectFailure::passing},
    Known{"maintenance", ConnectFailure::passing},
    Known{"couldn't connect to compute node", ConnectFailure::passing},
    Known{"the database system is ", ConnectFailure::passing},
    Known{"connection closed", ConnectFailure::passing},
    Known{"error communicating with the server", ConnectFailure::passing},
    Known{"unexpected message from server", ConnectFailure::passing},
    Known{"internal error", ConnectFailure::passing},
    Known{"authentication timed out", ConnectFailure::passing},
    Known{"server login has been failing", ConnectFailure::passing},
    Known{"client_login_timeout", ConnectFailure::passing},
    Known{"pooler is shutting down", ConnectFailure::passing},
    Known{"server shutting down", ConnectFailure::passing},

    Known{"connection is insecure", ConnectFailure::refused},
    Known{"endpoint id is not specified", ConnectFailure::refused},
    Known{"is not allowed to connect to this endpoint", ConnectFailure::refused},
    Known{"from a blocked network", ConnectFailure::refused},
    Known{"endpoint cannot be found", ConnectFailure::refused},
    Known{"endpoint could not be found", ConnectFailure::refused},
    Known{"endpoint is disabled", ConnectFailure::refused},
    Known{"endpoint has been disabled", ConnectFailure::refused},
    Known{"endpoint is temporarily unavailable", ConnectFailure::refused},
    Known{"quota", ConnectFailure::refused},
    Known{"exceeded", ConnectFailure::refused},
    Known{"active endpoints", ConnectFailure::refused},
    Known{"certificate", ConnectFailure::refused},

    // With a reason behind it, it is one of those above.
    Known{"control plane request failed", ConnectFailure::passing},
};

bool contains(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                     [](unsigned char a, char b) { return std::tolower(a) == b; }) != text.end();
}

bool is_passing_state(std::string_view sqlstate) {
  return sqlstate == sqlstate::cannot_connect_now || sqlstate == sqlstate::admin_shutdown ||
         sqlstate.starts_with("08");
}

}  // namespace

ConnectFailure kind_of(const PgError& error, bool is_servers) {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Known& each) { return contains(error.message, each.words); });
  if (!is_servers) {
    // Not the password that it wants, or not the server that knows it: each user has his own.
    if (error.sqlstate.starts_with("28")) return ConnectFailure::rejected;
    const bool is_lasting = found != known.end() && found->words == "certificate";
    return is_lasting ? ConnectFailure::refused : ConnectFailure::passing;
  }
  if (found != known.end()) return found->kind;
  if (error.sqlstate == sqlstate::too_many_connections) return ConnectFailure::crowded;
  if (is_passing_state(error.sqlstate)) return ConnectFailure::passing;
  return ConnectFailure::rejected;
}

std::string_view sqlstate_of(const PgError& error, ConnectFailure kind) {
  if (error.sqlstate != sqlstate::internal_error) return error.sqlstate;
  const auto says = [&error](std::string_view words) { return contains(error.message, words); };
  switch (kind) {
    case ConnectFailure::refused:
      return says("exceeded") ? sqlstate::configuration_limit_exceeded : sqlstate::connection_rejected;
    case ConnectFailure::rejected:
      if (says("password authentication failed")) return sqlstate::invalid_password;
      if (says("database \"") && says("does not exist")) return sqlstate::invalid_catalog_name;
      if (says("unsupported startup parameter") || says("unsupported options startup parameter"))
        return sqlstate::protocol_violation;
      return sqlstate::invalid_authorization;
    case ConnectFailure::crowded:
    case ConnectFailure::full:
      return sqlstate::too_many_connections;
    case ConnectFailure::passing:
      break;
  }
  return sqlstate::cannot_connect_now;
}

}  // namespace ballast
