#include "proxy/app/pgbouncer_table.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "proxy/base/setting_value.hpp"

namespace ballast {
namespace {

bool is_zero(std::string_view value) { return std::strtod(std::string(value).c_str(), nullptr) == 0; }

// As C reads a number: 0777 is octal.
Conversion octal(std::string_view value) {
  const long mode = std::strtol(std::string(value).c_str(), nullptr, 0);
  return {setting_text({SettingKind::octal, 0, 0777, {}}, {mode, ""}), ""};
}

Conversion socket_folder(std::string_view value) {
  if (!value.starts_with('@')) return {std::string(value), "", ImportAs::setting};
  return {"", "sockets in the abstract namespace are not served: name a folder", ImportAs::nothing};
}

Conversion lifetime(std::string_view value) {
  if (!is_zero(value)) return {std::string(value), "", ImportAs::setting};
  return {"", "no connection is used only once; the least is 1ms, and 0 is for ever", ImportAs::nothing};
}

Conversion check_delay(std::string_view value) {
  if (!is_zero(value)) return {std::string(value), "", ImportAs::setting};
  return {"1ms", "0 is never, in Ballast"};
}

Conversion check_query(std::string_view value) {
  if (value.empty()) return {"0", "no check: server_check_delay = 0"};
  return {"", "the probe is Ballast's own, an empty query", ImportAs::nothing};
}

Conversion packet_size(std::string_view value) {
  constexpr long largest = 1073741822;  // of Ballast: PostgreSQL's own limit (MaxAllocSize)
  if (std::strtol(std::string(value).c_str(), nullptr, 10) <= largest)
    return {std::string(value), "", ImportAs::setting};
  return {std::to_string(largest), "no message of PostgreSQL is longer"};
}

Conversion auth_type(std::string_view value) {
  if (value == "any")
    return {"", "each client logs in as itself; trust takes those whom auth_file names", ImportAs::nothing};
  if (value == "hba")
    return {"", "there are no rules by address: one auth_type is for all", ImportAs::nothing};
  if (value == "ldap" || value == "pam")
    return {"", "users come from auth_file: scram-secret makes their secrets", ImportAs::nothing};
  return {std::string(value), value == "plain" ? "over TLS or a unix socket only" : ""};
}

Conversion client_sslmode(std::string_view value) {
  if (value == "prefer") return {"allow", "which is what prefer means to PgBouncer"};
  return {std::string(value), "", ImportAs::setting};
}

Conversion reuse_port(std::string_view value) {
  if (is_zero(value)) return {"off", "", ImportAs::setting};
  return {"on", "workers = N in one process does as well", ImportAs::setting};
}

Conversion verbose(std::string_view value) {
  if (is_zero(value)) return {"", "0 is what log_level = info is", ImportAs::nothing};
  return {"debug", ""};
}

Conversion pool_mode(std::string_view value) {
  return {std::string(value),
          value == "session" ? "transaction pooling keeps session state, too: try it" : ""};
}

using Convert = Conversion (*)(std::string_view value);

constexpr PgBouncerSetting same(std::string_view name, std::string_view note = {}) {
  return {name, ImportAs::setting, name, note, nullptr};
}
constexpr PgBouncerSetting renamed(std::string_view name, std::string_view as) {
  return {name, ImportAs::setting, as, {}, nullptr};
}
constexpr PgBouncerSetting converted(std::string_view name, std::string_view as, Convert convert) {
  return {name, ImportAs::setting, as, {}, convert};
}
constexpr PgBouncerSetting in_url(std::string_view name, std::string_view as) {
  return {name, ImportAs::url, as, {}, nullptr};
}
constexpr PgBouncerSetting none(std::string_view name, std::string_view note) {
  return {name, ImportAs::nothing, {}, note, nullptr};
}

constexpr std::string_view by_tls = "TLS 1.2 and 1.3 with OpenSSL's ciphers";
constexpr std::string_view by_system = "names are looked up by the system at each connect";
constexpr std::string_view no_query = "users come from auth_file";
constexpr std::string_view no_syslog = "log_file, or standard error, which systemd takes";
constexpr std::string_view one_process =
    "one process serves all: workers are its threads, and cancels find their way";
constexpr std::string_view by_metrics = "/metrics has the figures";
constexpr std::string_view by_queue = "max_queue bounds who waits, max_client_conn who is connected";
constexpr std::string_view of_role =
    "the server has it by role: ALTER ROLE name SET statement_timeout (idle_in_transaction_session_timeout, "
    "transaction_timeout) = ...";
constexpr std::string_view of_database = "the server has it by database: ALTER DATABASE name SET ... = ...";
constexpr std::string_view by_login = "each client logs in at the server under its own name";
constexpr std::string_view by_service = "the service manager's business";
constexpr std::string_view for_pgbouncer = "PgBouncer's own, with no counterpart";
constexpr std::string_view global_only = "there is one value for all";

// clang-format off
constexpr std::array global_table{
    same("admin_users"),
    none("application_name_add_host", "application_name stays the client's; the log has its address"),
    none("auth_dbname", no_query),
    same("auth_file"),
    none("auth_hba_file", "there are no rules by address: one auth_type is for all"),
    none("auth_ident_file", "there are no rules by address: one auth_type is for all"),
    none("auth_ldap_options", no_query),
    none("auth_query", no_query),
    converted("auth_type", "auth_type", auth_type),
    none("auth_user", no_query),
    none("autodb_idle_timeout", "a pool without clients and servers costs next to nothing"),
    same("cancel_wait_timeout"),
    same("client_idle_timeout"),
    same("client_login_timeout"),
    none("client_tls13_ciphers", by_tls),
    same("client_tls_ca_file"),
    same("client_tls_cert_file"),
    none("client_tls_ciphers", by_tls),
    none("client_tls_dheparams", by_tls),
    none("client_tls_ecdhcurve", by_tls),
    same("client_tls_key_file"),
    none("client_tls_protocols", by_tls),
    converted("client_tls_sslmode", "client_tls_sslmode", client_sslmode),
    none("conffile", "ballast --config FILE"),
    same("default_pool_size"),
    none("disable_pqexec", "simple queries are served"),
    none("dns_max_ttl", by_system),
    none("dns_nxdomain_ttl", by_system),
    none("dns_zone_check_period", by_system),
    same("idle_transaction_timeout"),
    none("ignore_startup_parameters", "not needed: what a client asks for at its start is its session's state"),
    none("job_name", by_service),
    same("listen_addr"),
    same("listen_backlog"),
    same("listen_port"),
    same("log_connections"),
    same("log_disconnections"),
    none("log_pooler_errors", "the log has the end of each session with its reason (log_disconnections)"),
    none("log_stats", by_metrics),
    renamed("logfile", "log_file"),
    none("login_notify_message", "clients are told nothing that the server doesn't say"),
    same("max_client_conn"),
    none("max_db_client_connections", by_queue),
    same("max_db_connections"),
    converted("max_packet_size", "max_packet_size", packet_size),
    same("max_prepared_statements"),
    none("max_user_client_connections", by_queue),
    same("max_user_connections"),
    same("min_pool_size"),
    none("peer_id", one_process),
    none("pidfile", by_service),
    none("pkt_buf", "buffers are lent when there is something to read"),
    none("pool_idle_timeout", "a pool without clients and servers costs next to nothing"),
    converted("pool_mode", "pool_mode", pool_mode),
    same("query_timeout"),
    none("query_wait_notify", "wake_notice = \"on\" tells clients that they wait for a sleeping database"),
    same("query_wait_timeout", "the client gets an error and stays connected"),
    same("reserve_pool_size"),
    same("reserve_pool_timeout"),
    none("resolv_conf", by_system),
    none("sbuf_loopcnt", "a turn of each connection is bounded anyway"),
    none("scram_iterations", "4096, as `ballast scram-secret` makes them"),
    converted("server_check_delay", "server_check_delay", check_delay),
    converted("server_check_query", "server_check_delay", check_query),
    same("server_connect_timeout"),
    none("server_fast_close", "a client keeps its server until its session or transaction ends"),
    same("server_idle_timeout"),
    converted("server_lifetime", "server_lifetime", lifetime),
    same("server_login_retry", "the longest pause: the first is 100 ms, and clients wait meanwhile"),
    same("server_reset_query", "in session pooling"),
    none("server_reset_query_always", "not needed: in transaction pooling a session's state goes with its client"),
    none("server_round_robin", "the server used last is used first: the others may rest"),
    none("server_tls13_ciphers", by_tls),
    in_url("server_tls_ca_file", "sslrootcert"),
    in_url("server_tls_cert_file", "sslcert"),
    none("server_tls_ciphers", by_tls),
    in_url("server_tls_key_file", "sslkey"),
    none("server_tls_protocols", "TLS 1.2 and 1.3; ssl_min_protocol_version in upstream_url narrows it"),
    in_url("server_tls_sslmode", "sslmode"),
    none("service_name", by_service),
    converted("so_reuseport", "so_reuseport", reuse_port),
    none("stats_period", "averages are of the last minute or so"),
    same("stats_users"),
    none("suspend_timeout", "of PgBouncer's SUSPEND; Ballast's setting of this name is the database's time until it sleeps"),
    none("syslog", no_syslog),
    none("syslog_facility", no_syslog),
    none("syslog_ident", no_syslog),
    none("tcp_defer_accept", for_pgbouncer),
    in_url("tcp_keepalive", "keepalives"),
    in_url("tcp_keepcnt", "keepalives_count"),
    in_url("tcp_keepidle", "keepalives_idle"),
    in_url("tcp_keepintvl", "keepalives_interval"),
    none("tcp_socket_buffer", "the system chooses"),
    in_url("tcp_user_timeout", "tcp_user_timeout"),
    none("track_extra_parameters", "not needed: all settings of a session go with its client"),
    none("transaction_timeout", of_role),
    converted("unix_socket_dir", "unix_socket_dir", socket_folder),
    none("unix_socket_group", "unix_socket_mode, and the group of its folder"),
    converted("unix_socket_mode", "unix_socket_mode", octal),
    none("user", by_service),
    converted("verbose", "log_level", verbose),
};

constexpr std::array database_table{
    none("application_name", of_database),
    none("auth_dbname", no_query),
    none("auth_query", no_query),
    none("auth_user", no_query),
    none("client_encoding", of_database),
    none("connect_query", of_database),
    none("datestyle", of_database),
    same("dbname"),
    in_url("host", "host"),
    none("load_balance_hosts", "the hosts of a URL are tried in their order"),
    none("max_db_client_connections", by_queue),
    same("max_db_connections"),
    same("min_pool_size"),
    none("password", "not copied; upstream_url may hold it, or a file that upstream_url_file names"),
    same("pool_mode"),
    same("pool_size"),
    in_url("port", "port"),
    none("query_wait_timeout", global_only),
    renamed("reserve_pool", "reserve_pool_size"),
    same("reserve_pool_size"),
    none("server_lifetime", global_only),
    none("timezone", of_database),
    none("user", by_login),
};

constexpr std::array user_table{
    none("client_idle_timeout", global_only),
    none("idle_transaction_timeout", of_role),
    none("max_user_client_connections", by_queue),
    same("max_user_connections"),
    same("pool_mode"),
    same("pool_size"),
    none("query_timeout", of_role),
    none("query_wait_timeout", global_only),
    same("reserve_pool_size"),
    none("transaction_timeout", of_role),
};

constexpr std::array defaults{
    PgBouncerDefault{"auth_type", "\"md5\"", "users with a SCRAM secret use SCRAM all the same"},
    PgBouncerDefault{"listen_addr", "\"\"", "no TCP"},
    PgBouncerDefault{"max_client_conn", "100", ""},
    PgBouncerDefault{"pool_mode", "\"session\"", "transaction pooling keeps session state, too: try it"},
    PgBouncerDefault{"unix_socket_dir", "\"/tmp\"", "Debian's PgBouncer: /var/run/postgresql"},
};
// clang-format on

}  // namespace

std::span<const PgBouncerSetting> pgbouncer_settings(PgBouncerSection section) {
  if (section == PgBouncerSection::database) return database_table;
  if (section == PgBouncerSection::user) return user_table;
  return global_table;
}

const PgBouncerSetting* find_pgbouncer_setting(PgBouncerSection section, std::string_view name) {
  const auto table = pgbouncer_settings(section);
  const auto found = std::ranges::find(table, name, &PgBouncerSetting::name);
  return found == table.end() ? nullptr : &*found;
}

std::span<const PgBouncerDefault> pgbouncer_defaults() { return defaults; }

}  // namespace ballast
