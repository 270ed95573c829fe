// The first packet of a connection, which has no type byte: StartupMessage, SSLRequest, GSSENCRequest,
// CancelRequest (PostgreSQL manual, "Message Formats"). Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/pg_error.hpp"

namespace ballast {

inline constexpr std::int32_t protocol_3_0 = 3 << 16;
inline constexpr std::int32_t protocol_3_2 = 3 << 16 | 2;
inline constexpr std::int32_t ssl_request_code = 1234 << 16 | 5679;
inline constexpr std::int32_t gssenc_request_code = 1234 << 16 | 5680;
inline constexpr std::int32_t cancel_request_code = 1234 << 16 | 5678;

// The bytes of the secret in BackendKeyData and CancelRequest.
inline constexpr std::size_t min_cancel_secret = 4;
inline constexpr std::size_t max_cancel_secret = 256;

using StartupParameters = std::vector<std::pair<std::string, std::string>>;

struct SslRequest {};
struct GssEncRequest {};
struct CancelRequest {
  std::int32_t process_id = 0;
  std::string secret;
};
// What a client's server is to be: one that answers SQL, or a walsender, of one database
// (replication=database) or of the whole cluster (replication=true|on|yes|1).
enum class Replication : std::uint8_t { none, logical, physical };

struct StartupMessage {
  std::int32_t version = protocol_3_0;  // as asked for, major << 16 | minor
  std::string user;
  std::string database;  // the user's name where none was given
  Replication replication = Replication::none;
  StartupParameters parameters;  // all others in their order; user, database and _pq_.* are not among them
  std::vector<std::string> unknown_options;  // names of the _pq_.* parameters
};
struct StartupIncomplete {
  std::size_t needed;  // total bytes of the packet, or 4 while the length itself is not there
};
// What PostgreSQL closes on without a word: a length that no client sends (HTTP, TLS, a port scan), or a
// request of the wrong size.
struct InvalidPacket {};
using StartupPacket = std::variant<StartupIncomplete, SslRequest, GssEncRequest, CancelRequest,
                                   StartupMessage, PgError, InvalidPacket>;

// Reads the packet at the front of `in`; `consumed` is its size, 0 while it is incomplete. A PgError is
// FATAL, its text PostgreSQL's. Names are not shortened and `options` is not taken apart: that is the
// server's work.
StartupPacket read_startup_packet(std::string_view in, std::size_t& consumed);

// What PostgreSQL says to a version, or a request code, that it does not know or does not expect now.
PgError unsupported_protocol(std::int32_t version);

// `parameters` holds user and database too. Names and values hold no zero byte.
void write_startup_message(std::string& out, std::int32_t version, const StartupParameters& parameters);
void write_ssl_request(std::string& out);
void write_cancel_request(std::string& out, std::int32_t process_id, std::string_view secret);

}  // namespace ballast
