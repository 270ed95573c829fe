// PgError: what a client is told when Ballast itself has something to say; made where the fault is.
// SQLSTATEs are from the PostgreSQL manual, appendix A.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

namespace sqlstate {
inline constexpr std::string_view successful_completion = "00000";
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view cannot_connect = "08001";
inline constexpr std::string_view connection_rejected = "08004";
inline constexpr std::string_view feature_not_supported = "0A000";
inline constexpr std::string_view invalid_parameter_value = "22023";
inline constexpr std::string_view invalid_authorization = "28000";
inline constexpr std::string_view invalid_password = "28P01";
inline constexpr std::string_view in_failed_transaction = "25P02";
inline constexpr std::string_view idle_in_transaction_timeout = "25P03";
inline constexpr std::string_view invalid_sql_statement_name = "26000";
inline constexpr std::string_view invalid_catalog_name = "3D000";
inline constexpr std::string_view duplicate_prepared_statement = "42P05";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view configuration_limit_exceeded = "53400";
inline constexpr std::string_view program_limit_exceeded = "54000";
inline constexpr std::string_view not_in_prerequisite_state = "55000";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view admin_shutdown = "57P01";
inline constexpr std::string_view cannot_connect_now = "57P03";
inline constexpr std::string_view idle_session_timeout = "57P05";
inline constexpr std::string_view config_file_error = "F0000";
inline constexpr std::string_view internal_error = "XX000";
}  // namespace sqlstate

enum class Severity { error, fatal, notice, warning };

struct PgError {
  Severity severity = Severity::error;
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
};

}  // namespace ballast
