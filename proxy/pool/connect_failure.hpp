// ConnectFailure: what a failed connect says about the next one. Neon's proxy gives every error of a login,
// its own as well as the compute's, as ERROR XX000: only the text tells them apart (neondatabase/neon,
// proxy/src: stream.rs, control_plane/errors.rs, control_plane/messages.rs). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/pg_error.hpp"

namespace ballast {

enum class ConnectFailure : std::uint8_t {
  passing,   // the next attempt may succeed: network, starting, shutting down
  crowded,   // too many attempts at the moment
  full,      // no place for a connection is free
  refused,   // nobody is let in for a while: disabled, over a quota, not from this address
  rejected,  // this user, database or startup packet is wrong; others may be let in
};

// `is_servers`: the server has said so; otherwise it is what the network, TLS or our part of the login has
// come to.
ConnectFailure kind_of(const PgError& error, bool is_servers);
// The SQLSTATE that a PostgreSQL server would give it, where Neon's proxy says XX000.
std::string_view sqlstate_of(const PgError& error, ConnectFailure kind);

}  // namespace ballast
