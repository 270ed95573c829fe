// The errors of Neon, by the row numbers of the project's table of them, and their form on the wire.
//
// Whatever goes wrong before ReadyForQuery is told by Neon's proxy as ERROR XX000 without a V field, with
// the true text; only what comes later has its own severity and SQLSTATE (neondatabase/neon,
// proxy/src/stream.rs and pqproto.rs). Pure functions, any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ballast::neon {

// auth: before the SASL mechanisms are offered; wake: behind SASLFinal and AuthenticationOk; session: after
// ReadyForQuery.
enum class Stage { auth, wake, session };

std::optional<Stage> parse_stage(std::string_view text);

struct ErrorRow {
  int number;
  Stage stage;                // where it comes of itself; may be sent at another
  std::string_view severity;  // in a session
  std::string_view sqlstate;  // in a session
  std::string_view text;      // empty: the connection is closed without a word. {user} etc. are filled in
};

// Rows by name, for those that the simulator itself sends.
namespace row {
inline constexpr int no_tls = 1, silent_close = 2, no_user = 3, two_endpoints = 4, bad_endpoint = 5,
                     no_endpoint = 6, wrong_password = 7, sasl_violation = 8, plus_not_used = 9,
                     wrong_binding = 10, unknown_binding = 11, no_terminator = 12, login_timeout = 14,
                     too_many_attempts = 19, control_plane = 20, too_many_wakes = 32, no_permit = 33,
                     unreachable = 34, no_database = 35, no_slots = 36, not_yet = 37, lost_at_login = 38,
                     bad_option = 40, admin_shutdown = 45, eof = 46;
}  // namespace row

const ErrorRow* find_row(int number);

using ErrorValues = std::map<std::string, std::string, std::less<>>;

// The row's text with each {name} replaced.
std::string error_text(const ErrorRow& row, const ErrorValues& values);

// As Neon's proxy writes it while a client logs in.
void write_login_error(std::string& out, std::string_view severity, bool with_V, std::string_view text);
// As PostgreSQL or PgBouncer writes it to a session.
void write_session_error(std::string& out, const ErrorRow& row, std::string_view text);

}  // namespace ballast::neon
