#include "tests/neon/rules/error_table.hpp"

#include <algorithm>
#include <array>

#include "protocol/message.hpp"
#include "protocol/writer.hpp"

namespace ballast::neon {
namespace {

constexpr auto in_auth = Stage::auth;
constexpr auto in_wake = Stage::wake;
constexpr auto in_session = Stage::session;

constexpr std::array rows{
    ErrorRow{1, in_auth, "ERROR", "XX000", "connection is insecure (try using `sslmode=require`)"},
    ErrorRow{2, in_auth, "", "", ""},
    ErrorRow{3, in_auth, "ERROR", "XX000", "Parameter 'user' is missing in startup packet."},
    ErrorRow{4, in_auth, "ERROR", "XX000",
             "Inconsistent project name inferred from SNI ('{sni}') and project option ('{option}')."},
    ErrorRow{5, in_auth, "ERROR", "XX000",
             "Project name ('{endpoint}') must contain only alphanumeric characters and hyphen."},
    ErrorRow{6, in_auth, "ERROR", "XX000",
             "Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for "
             "SNI support "
             "or pass the endpoint ID (first part of the domain name) as a parameter: "
             "'?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni"},
    ErrorRow{7, in_auth, "ERROR", "XX000", "password authentication failed for user '{user}'"},
    ErrorRow{8, in_auth, "ERROR", "XX000", "authentication protocol violation"},
    ErrorRow{9, in_auth, "ERROR", "XX000", "SCRAM-PLUS not used"},
    ErrorRow{10, in_auth, "ERROR", "XX000", "insecure connection: secure channel data mismatch"},
    ErrorRow{11, in_auth, "ERROR", "XX000", "unsupported channel binding method {method}"},
    ErrorRow{12, in_auth, "ERROR", "XX000", "Malformed password message: missing terminator"},
    ErrorRow{13, in_auth, "ERROR", "XX000", "Internal error"},
    ErrorRow{14, in_auth, "ERROR", "XX000", "Authentication timed out"},
    ErrorRow{15, in_auth, "ERROR", "XX000",
             "This IP address 127.0.0.1 is not allowed to connect to this endpoint. Please add it to the "
             "allowed list "
             "in the Neon console. Make sure to check for IPv4 or IPv6 addresses."},
    ErrorRow{16, in_auth, "ERROR", "XX000",
             "This connection is trying to access this endpoint from a blocked network."},
    ErrorRow{17, in_auth, "ERROR", "XX000",
             "VPC endpoint ID is not specified. This endpoint requires a VPC endpoint ID to connect."},
    ErrorRow{18, in_auth, "ERROR", "XX000",
             "This VPC endpoint id vpce-1 is not allowed to connect to this endpoint. Please add it to the "
             "allowed "
             "list in the Neon console."},
    ErrorRow{19, in_auth, "ERROR", "XX000", "Too many connections to this endpoint. Please try again later."},
    ErrorRow{20, in_wake, "ERROR", "XX000", "Control plane request failed"},
    ErrorRow{21, in_wake, "ERROR", "XX000", "Control plane request failed: endpoint cannot be found"},
    ErrorRow{22, in_wake, "ERROR", "XX000", "Control plane request failed: endpoint is disabled"},
    ErrorRow{23, in_wake, "ERROR", "XX000",
             "Control plane request failed: endpoint is temporarily unavailable. Check your quotas and/or "
             "contact our "
             "support."},
    ErrorRow{24, in_wake, "ERROR", "XX000",
             "The requested endpoint could not be found, or you don't have access to it. Please check the "
             "provided ID "
             "and try again."},
    ErrorRow{25, in_wake, "ERROR", "XX000",
             "The endpoint has been disabled. Enable it using Neon API and retry."},
    ErrorRow{
        26, in_wake, "ERROR", "XX000",
        "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits."},
    ErrorRow{27, in_wake, "ERROR", "XX000",
             "Your project has exceeded the data transfer quota. Upgrade your plan to increase limits."},
    ErrorRow{28, in_wake, "ERROR", "XX000", "active endpoints limit exceeded"},
    ErrorRow{29, in_wake, "ERROR", "XX000", "written data quota exceeded"},
    ErrorRow{30, in_wake, "ERROR", "XX000", "rate limit exceeded"},
    ErrorRow{31, in_wake, "ERROR", "XX000", "endpoint is idle, retry request"},
    ErrorRow{32, in_wake, "ERROR", "XX000", "Too many connections attempts"},
    ErrorRow{33, in_wake, "ERROR", "XX000",
             "Failed to acquire permit to connect to the database. Too many database connection attempts are "
             "currently "
             "ongoing."},
    ErrorRow{34, in_wake, "ERROR", "XX000", "Couldn't connect to compute node"},
    ErrorRow{35, in_wake, "FATAL", "3D000", "database \"{database}\" does not exist"},
    ErrorRow{36, in_wake, "FATAL", "53300",
             "remaining connection slots are reserved for roles with the SUPERUSER attribute"},
    ErrorRow{37, in_wake, "FATAL", "57P03", "the database system is starting up"},
    ErrorRow{38, in_wake, "ERROR", "XX000", "connection closed"},
    ErrorRow{39, in_wake, "FATAL", "08P01",
             "unsupported startup parameter: {parameter}. Please use unpooled connection or remove this "
             "parameter from "
             "the startup package. More details: "
             "https://neon.tech/docs/connect/connection-errors#unsupported-startup-parameter"},
    ErrorRow{40, in_wake, "FATAL", "08P01",
             "unsupported startup parameter in options: {parameter}. Please use unpooled connection or "
             "remove this "
             "parameter from the startup package. More details: "
             "https://neon.tech/docs/connect/connection-errors#unsupported-startup-parameter"},
    ErrorRow{41, in_wake, "FATAL", "08P01",
             "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed"},
    ErrorRow{42, in_wake, "FATAL", "08P01", "no more connections allowed (max_client_conn)"},
    ErrorRow{43, in_wake, "FATAL", "08P01",
             "server login has been failing, cached error: connect failed (server_login_retry)"},
    ErrorRow{44, in_wake, "FATAL", "08P01", "client_login_timeout (server down)"},
    ErrorRow{45, in_session, "FATAL", "57P01", "terminating connection due to administrator command"},
    ErrorRow{46, in_session, "", "", ""},
    ErrorRow{47, in_session, "FATAL", "08P01", "query_wait_timeout"},
    ErrorRow{48, in_session, "FATAL", "08P01", "server conn crashed?"},
    ErrorRow{49, in_session, "FATAL", "08P01", "pooler is shutting down"},
    ErrorRow{50, in_session, "FATAL", "25P03", "terminating connection due to idle-in-transaction timeout"},
    ErrorRow{51, in_session, "ERROR", "57014", "canceling statement due to user request"},
    ErrorRow{52, in_session, "ERROR", "53100",
             "could not extend file because project size limit (512 MB) has been exceeded"},
    ErrorRow{53, in_session, "ERROR", "53100",
             "could not write to file \"base/pgsql_tmp/pgsql_tmp1.0\": No space left on device"},
    ErrorRow{54, in_session, "ERROR", "08001",
             "[NEON_SMGR] [shard 0] could not establish connection to pageserver"},
    ErrorRow{55, in_session, "ERROR", "25006", "cannot execute INSERT in a read-only transaction"},
    ErrorRow{56, in_session, "ERROR", "26000", "prepared statement \"s0\" does not exist"},
    ErrorRow{57, in_session, "ERROR", "42P01", "relation \"t\" does not exist"},
    ErrorRow{58, in_session, "WARNING", "57P02",
             "terminating connection because of crash of another server process"},
    ErrorRow{64, in_auth, "", "", ""},
};

}  // namespace

std::optional<Stage> parse_stage(std::string_view text) {
  if (text == "auth") return Stage::auth;
  if (text == "wake") return Stage::wake;
  if (text == "session") return Stage::session;
  return std::nullopt;
}

const ErrorRow* find_row(int number) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [number](const ErrorRow& row) { return row.number == number; });
  return found == rows.end() ? nullptr : &*found;
}

std::string error_text(const ErrorRow& row, const ErrorValues& values) {
  std::string text;
  std::string_view rest = row.text;
  for (;;) {
    const std::size_t open = rest.find('{');
    const std::size_t close = rest.find('}', open);  // no opening brace: no closing one either
    text.append(rest.substr(0, open));
    if (close == std::string_view::npos) return text;
    if (const auto value = values.find(rest.substr(open + 1, close - open - 1)); value != values.end())
      text.append(value->second);
    rest.remove_prefix(close + 1);
  }
}

void write_login_error(std::string& out, std::string_view severity, bool with_V, std::string_view text) {
  MessageWriter message(out, BackendType::error_response);
  message.byte('S').cstring(severity);
  if (with_V) message.byte('V').cstring(severity);
  message.byte('C').cstring("XX000").byte('M').cstring(text).byte('\0');
}

void write_session_error(std::string& out, const ErrorRow& row, std::string_view text) {
  const bool is_notice = row.severity == "WARNING";
  MessageWriter message(out, is_notice ? BackendType::notice_response : BackendType::error_response);
  message.byte('S').cstring(row.severity).byte('V').cstring(row.severity);
  message.byte('C').cstring(row.sqlstate).byte('M').cstring(text).byte('\0');
}

}  // namespace ballast::neon
