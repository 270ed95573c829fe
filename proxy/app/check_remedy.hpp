// CheckRemedy: what libpq says of a failed connect, taken apart, and what to do about it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"

namespace ballast {

// Who has ended the attempt: the server by an error, or the network, TLS or libpq itself.
enum class FailedBy { server, way };

struct ConnectError {
  FailedBy by = FailedBy::way;
  PgError error;
};

// Of PQerrorMessage() with PQERRORS_VERBOSE, without the address that it begins with. Of several attempts,
// the last.
ConnectError parse_connect_error(std::string_view libpq_message);

// One sentence.
std::string remedy_of(const ConnectError& failure);

}  // namespace ballast
