#include "proxy/base/settings_table.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace ballast {
namespace {

using namespace std::string_view_literals;

constexpr std::array pool_modes{"session"sv, "transaction"sv, "statement"sv};
constexpr std::array switches{"off"sv, "on"sv};
constexpr std::array ping_words{"server"sv, "local"sv};
constexpr std::array pool_target_words{"size"sv, "latency"sv};
constexpr std::array fair_by_words{"none"sv, "user"sv, "application_name"sv};
constexpr std::array sleep_words{"auto"sv, "on"sv, "off"sv};
constexpr std::array keepalive_words{"off"sv, "while_clients"sv, "schedule"sv, "always"sv};
constexpr std::array session_fidelities{"full"sv, "off"sv};
constexpr std::array auth_types{"trust"sv, "plain"sv, "md5"sv, "scram-sha-256"sv, "cert"sv};
constexpr std::array client_tls_modes{"disable"sv, "allow"sv, "require"sv, "verify-ca"sv, "verify-full"sv};
constexpr std::array log_levels{"debug"sv, "info"sv, "warning"sv, "error"sv};
constexpr std::array log_formats{"text"sv, "json"sv};

constexpr std::int64_t max_count = 1'000'000;
constexpr std::int64_t max_message = 0x3ffffffe;  // PostgreSQL's own limit: MaxAllocSize - 1

constexpr SettingType text{SettingKind::text, 0, 0, {}};
constexpr SettingType file{SettingKind::file, 0, 0, {}};
constexpr SettingType secret{SettingKind::secret, 0, 0, {}};
constexpr SettingType mode{SettingKind::octal, 0, 0777, {}};
// As long as PostgreSQL's own timeouts may be: 2^31 ms, cut to whole days.
constexpr SettingType duration{SettingKind::duration, 0, std::int64_t{24} * 86'400'000, {}};

// Neon's own range (API, suspend_timeout_seconds: 60 s to 7 days), and shorter for what acts as it.
constexpr SettingType suspend_duration{SettingKind::duration, 1000, std::int64_t{7} * 86'400'000, {}};

// In thousandths.
constexpr SettingType decimal(std::int64_t min, std::int64_t max) {
  return {SettingKind::decimal, min, max, {}};
}
constexpr SettingType number(std::int64_t min, std::int64_t max) {
  return {SettingKind::number, min, max, {}};
}
constexpr SettingType bytes(std::int64_t min, std::int64_t max) { return {SettingKind::bytes, min, max, {}}; }
constexpr SettingType word(std::span<const std::string_view> words) {
  return {SettingKind::word, 0, 0, words};
}

constexpr SettingType pool_size_type = number(1, max_count);
constexpr SettingType count_type = number(0, max_count);

constexpr auto to_server = "Towards the server"sv;
constexpr auto to_client = "Towards the client"sv;
constexpr auto pools = "Pools"sv;
constexpr auto timeouts = "Timeouts"sv;
constexpr auto sleep = "Sleep"sv;
constexpr auto process = "Process"sv;

using S = Settings;

// clang-format off
const std::array table{
    Setting{to_server, "upstream_url", &S::upstream_url, secret, Takes::reload,
            "The database to serve, as a URL or keywords of libpq. NEON_DATABASE_URL and DATABASE_URL are read too."},
    Setting{to_server, "upstream_url_file", &S::upstream_url_file, file, Takes::reload,
            "A file that holds the URL, for secrets that are mounted."},

    Setting{to_client, "listen_addr", &S::listen_addr, text, Takes::restart,
            "Addresses and names to listen on, comma-separated; `*` is all, empty is no TCP."},
    Setting{to_client, "listen_port", &S::listen_port, number(0, 65535), Takes::restart,
            "Port for TCP and in the unix socket's name; with 0 the system chooses one."},
    Setting{to_client, "listen_backlog", &S::listen_backlog, number(1, 65535), Takes::restart,
            "Connections that may wait to be accepted."},
    Setting{to_client, "unix_socket_dir", &S::unix_socket_dir, text, Takes::restart,
            "Folder for the unix socket; empty is none."},
    Setting{to_client, "unix_socket_mode", &S::unix_socket_mode, mode, Takes::restart,
            "File mode of the unix socket."},
    Setting{to_client, "so_reuseport", &S::so_reuseport, word(switches), Takes::restart,
            "on: several processes may listen on the same TCP addresses (SO_REUSEPORT), and share the clients."},
    Setting{to_client, "client_tls_sslmode", &S::client_tls_sslmode, word(client_tls_modes), Takes::reload,
            "TLS towards clients. verify-ca and verify-full also demand a certificate from them."},
    Setting{to_client, "client_tls_cert_file", &S::client_tls_cert_file, file, Takes::reload,
            "Certificate chain that clients are shown (PEM)."},
    Setting{to_client, "client_tls_key_file", &S::client_tls_key_file, file, Takes::reload,
            "Private key of that certificate (PEM)."},
    Setting{to_client, "client_tls_ca_file", &S::client_tls_ca_file, file, Takes::reload,
            "Roots that clients' certificates are checked against (PEM)."},
    Setting{to_client, "auth_type", &S::auth_type, word(auth_types), Takes::reload,
            "How clients prove who they are."},
    Setting{to_client, "auth_file", &S::auth_file, file, Takes::reload,
            "Users and secrets in PgBouncer's userlist format; empty: the URL's own user only."},
    Setting{to_client, "admin_users", &S::admin_users, text, Takes::reload,
            "Users who may give every command on the console (databases ballast and pgbouncer), comma-separated; with stats_users empty too, the URL's own user may."},
    Setting{to_client, "stats_users", &S::stats_users, text, Takes::reload,
            "Users who may look at everything on the console and change nothing, comma-separated."},

    Setting{pools, "pool_mode", &S::pool_mode, word(pool_modes), Takes::reload,
            "When a server connection goes back to its pool."},
    Setting{pools, "session_fidelity", &S::session_fidelity, word(session_fidelities), Takes::reload,
            "full: session state survives transaction pooling; off: it stays on the server for others to find."},
    Setting{pools, "defer_begin", &S::defer_begin, word(switches), Takes::reload,
            "on: BEGIN is answered at once and travels with the first statement behind it."},
    Setting{pools, "pings", &S::pings, word(ping_words), Takes::reload,
            "local: SELECT 1, empty queries and ; are answered by Ballast, and fail while the database is down: they keep nothing awake."},
    Setting{pools, "wake_notice", &S::wake_notice, word(switches), Takes::reload,
            "on: a client that waits for a database that sleeps is told so by a NOTICE."},
    Setting{pools, "connect_ahead", &S::connect_ahead, word(switches), Takes::reload,
            "on: a client's login makes its pool's first server connection, and wakes the database, before its first query."},
    Setting{pools, "default_pool_size", &S::default_pool_size, pool_size_type, Takes::reload,
            "Server connections for each pair of database and user."},
    Setting{pools, "min_pool_size", &S::min_pool_size, count_type, Takes::reload,
            "Server connections that a pool keeps open."},
    Setting{pools, "reserve_pool_size", &S::reserve_pool_size, count_type, Takes::reload,
            "Additional connections for a pool whose clients wait longer than reserve_pool_timeout."},
    Setting{pools, "reserve_pool_timeout", &S::reserve_pool_timeout, duration, Takes::reload,
            "Wait after which the reserve is used; 0: never."},
    Setting{pools, "pool_target", &S::pool_target, word(pool_target_words), Takes::reload,
            "size: a pool uses as many servers as it may have; latency: of these as many as the database answers about as fast as few."},
    Setting{pools, "queue_target", &S::queue_target, duration, Takes::reload,
            "A wait for a server that is bearable. A pool whose queue stands for longer is overloaded: it serves the newest first and refuses whom it lets wait for so long; 0: never."},
    Setting{pools, "max_queue", &S::max_queue, count_type, Takes::reload,
            "Clients that may wait for a server of one pool; 0: no limit."},
    Setting{pools, "fair_by", &S::fair_by, word(fair_by_words), Takes::reload,
            "Whose clients take turns when there are too few servers. user: servers that users share go to who has the fewest; application_name: so, and within a pool each application in its turn."},
    Setting{pools, "max_client_conn", &S::max_client_conn, pool_size_type, Takes::reload,
            "Clients connected at once."},
    Setting{pools, "max_db_connections", &S::max_db_connections, count_type, Takes::reload,
            "Server connections of one database over all its pools; 0: no limit."},
    Setting{pools, "max_user_connections", &S::max_user_connections, count_type, Takes::reload,
            "Server connections of one user over all its pools; 0: no limit."},
    Setting{pools, "server_budget", &S::server_budget, word(switches), Takes::reload,
            "on: the database is asked for its max_connections, and no more server connections are opened than it "
            "has room for, less one in twenty for others."},
    Setting{pools, "max_server_connecting", &S::max_server_connecting, number(1, 1000), Takes::reload,
            "Server logins under way at once, over all pools."},
    Setting{pools, "max_prepared_statements", &S::max_prepared_statements, count_type, Takes::reload,
            "Prepared statements kept on one server connection; 0: names are passed through untouched."},
    Setting{pools, "max_client_prepared_statements", &S::max_client_prepared_statements, pool_size_type, Takes::reload,
            "Names of prepared statements that one client may hold."},
    Setting{pools, "max_prepared_statement_length", &S::max_prepared_statement_length, bytes(1024, max_message), Takes::reload,
            "The longest statement that can be prepared again on another server connection."},
    Setting{pools, "server_reset_query", &S::server_reset_query, text, Takes::reload,
            "Run in session pooling when a client leaves; empty: nothing."},

    Setting{timeouts, "query_wait_timeout", &S::query_wait_timeout, duration, Takes::reload,
            "How long a client waits for a server connection; 0: for ever."},
    Setting{timeouts, "query_timeout", &S::query_timeout, duration, Takes::reload,
            "The longest that a query may run; 0: for ever."},
    Setting{timeouts, "idle_transaction_timeout", &S::idle_transaction_timeout, duration, Takes::reload,
            "The longest that a client may rest inside a transaction; 0: for ever."},
    Setting{timeouts, "client_idle_timeout", &S::client_idle_timeout, duration, Takes::reload,
            "The longest that a client may rest outside a transaction; 0: for ever."},
    Setting{timeouts, "client_login_timeout", &S::client_login_timeout, duration, Takes::reload,
            "From accept to the end of the login, TLS included; 0: for ever."},
    Setting{timeouts, "server_connect_timeout", &S::server_connect_timeout, duration, Takes::reload,
            "One deadline for DNS, TCP, TLS and login; 0: none."},
    Setting{timeouts, "server_login_retry", &S::server_login_retry, duration, Takes::reload,
            "The longest pause after a failed connect before the next; the first is 100 ms, each is twice the one before."},
    Setting{timeouts, "server_down_timeout", &S::server_down_timeout, duration, Takes::reload,
            "When connects have failed for this long, clients that need one are told at once; 0: they wait."},
    Setting{timeouts, "scale_to_zero", &S::scale_to_zero, word(sleep_words), Takes::reload,
            "Whether the database may be asleep, and is woken for clients only; auto: if it is Neon's."},
    Setting{timeouts, "login_pipelining", &S::login_pipelining, word(switches), Takes::reload,
            "on: a read that waits for a database that may be asleep leaves with the last message of the login, if the server's certificate is verified; off: behind the login."},
    Setting{timeouts, "server_check_delay", &S::server_check_delay, duration, Takes::reload,
            "A server connection that has rested this long has to show that it is still there before anything is written over it; 0: never."},
    Setting{timeouts, "server_check_timeout", &S::server_check_timeout, duration, Takes::reload,
            "How long it may take to show that; then another connection is used; 0: as long as it likes."},
    Setting{timeouts, "server_idle_timeout", &S::server_idle_timeout, duration, Takes::reload,
            "An idle server connection is closed after this; 0: never."},
    Setting{timeouts, "server_lifetime", &S::server_lifetime, duration, Takes::reload,
            "A server connection is replaced after this, with jitter; 0: never."},
    Setting{timeouts, "cancel_wait_timeout", &S::cancel_wait_timeout, duration, Takes::reload,
            "How long a cancel request may take, and how long a query that query_timeout or KILL ends is asked to end; 0: for ever."},
    Setting{timeouts, "shutdown_timeout", &S::shutdown_timeout, duration, Takes::reload,
            "How long running transactions may go on after SIGTERM; 0: for ever."},

    Setting{sleep, "keepalive", &S::keepalive, word(keepalive_words), Takes::reload,
            "When the database is kept from sleeping by pings of ours, at a price: while clients are connected, in a schedule, always."},
    Setting{sleep, "keepalive_schedule", &S::keepalive_schedule, text, Takes::reload,
            "For keepalive = schedule: days, hours and time zone, as in `Mon-Fri 08:00-18:30 Europe/Berlin; Sat 10:00-12:00 Europe/Berlin`."},
    Setting{sleep, "keepalive_budget_cu_hours", &S::keepalive_budget_cu_hours, decimal(0, 1'000'000'000), Takes::reload,
            "Compute hours that keepalive may cost in a calendar month (UTC); then it ends until the next; 0: no limit."},
    Setting{sleep, "suspend_timeout", &S::suspend_timeout, suspend_duration, Takes::reload,
            "The database's own: it sleeps when nothing has asked it for so long."},
    Setting{sleep, "compute_cu", &S::compute_cu, decimal(250, 1'000'000), Takes::reload,
            "Size of the database's compute, in CU (its maximum, if it scales): an hour awake costs so many compute hours."},

    Setting{process, "workers", &S::workers, number(1, 256), Takes::restart,
            "Threads that serve clients."},
    Setting{process, "max_packet_size", &S::max_packet_size, bytes(1024, max_message), Takes::reload,
            "The longest message that a client may send."},
    Setting{process, "max_notification_backlog", &S::max_notification_backlog, bytes(1024, max_message), Takes::reload,
            "Notifications that may wait for a client to read them; one that falls further behind is disconnected."},
    Setting{process, "state_dir", &S::state_dir, text, Takes::restart,
            "Folder for what is kept over restarts: how servers greet, so that clients can log in while the database sleeps, and what keepalive has cost; empty: nothing."},
    Setting{process, "http_addr", &S::http_addr, text, Takes::restart,
            "Address for HTTP: the status page, /metrics and what /openapi.json says."},
    Setting{process, "http_port", &S::http_port, number(0, 65535), Takes::restart,
            "Port for HTTP, from 1024 on; 0: none."},
    Setting{process, "http_token", &S::http_token, secret, Takes::reload,
            "Who asks over HTTP must know it (Authorization: Bearer TOKEN), but for /live, /ready, /health and the "
            "bare status page; empty: everybody may ask, and who asks from this machine may change something."},
    Setting{process, "http_token_file", &S::http_token_file, file, Takes::reload,
            "A file that holds that token, for secrets that are mounted."},
    Setting{process, "log_connections", &S::log_connections, number(0, 1), Takes::reload,
            "1: each client's login is logged."},
    Setting{process, "log_disconnections", &S::log_disconnections, number(0, 1), Takes::reload,
            "1: the end of each client's session is logged, with its reason."},
    Setting{process, "log_level", &S::log_level, word(log_levels), Takes::reload,
            "The least important events that are logged."},
    Setting{process, "log_format", &S::log_format, word(log_formats), Takes::reload,
            "One line of text, or one JSON object, for each event."},
    Setting{process, "log_file", &S::log_file, text, Takes::reload,
            "File to append to, opened again at each reload; empty: standard error."},
};

const std::array override_rows{
    Override{"pool_mode", OverrideScope::both, &PoolOverrides::pool_mode, word(pool_modes), "pool_mode"},
    Override{"session_fidelity", OverrideScope::both, &PoolOverrides::session_fidelity, word(session_fidelities), "session_fidelity"},
    Override{"pool_size", OverrideScope::both, &PoolOverrides::pool_size, pool_size_type, "default_pool_size"},
    Override{"min_pool_size", OverrideScope::both, &PoolOverrides::min_pool_size, count_type, "min_pool_size"},
    Override{"reserve_pool_size", OverrideScope::both, &PoolOverrides::reserve_pool_size, count_type, "reserve_pool_size"},
    Override{"max_db_connections", OverrideScope::database, &PoolOverrides::max_connections, count_type, "max_db_connections"},
    Override{"max_user_connections", OverrideScope::user, &PoolOverrides::max_connections, count_type, "max_user_connections"},
    Override{"dbname", OverrideScope::database, &PoolOverrides::dbname, text, ""},
};
// clang-format on

bool applies(const Override& row, OverrideScope section) {
  return row.scope == OverrideScope::both || row.scope == section;
}

template <typename T>
std::int64_t as_number(const T& member) {
  if constexpr (std::is_same_v<T, Milliseconds>) {
    return member.count();
  } else {
    return static_cast<std::int64_t>(member);
  }
}

template <typename T>
void assign_member(T& member, const SettingValue& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    member = value.text;
  } else {
    member = static_cast<T>(value.number);
  }
}

// A string member that holds a word (log_level) has an index as well.
std::int64_t index_of(std::span<const std::string_view> words, std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : found - words.begin();
}

template <typename T>
SettingValue member_value(const SettingType& type, const T& member) {
  if constexpr (std::is_same_v<T, std::string>) {
    return {.number = index_of(type.words, member), .text = member};
  } else {
    const std::int64_t found = as_number(member);
    const bool is_word = type.kind == SettingKind::word;
    return {.number = found,
            .text = is_word ? std::string(type.words[static_cast<std::size_t>(found)]) : std::string()};
  }
}

// Levenshtein's: the least number of letters to insert, remove or replace.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Setting> settings_table() { return table; }
std::span<const Override> overrides_table() { return override_rows; }

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(table, name, &Setting::name);
  return found == table.end() ? nullptr : &*found;
}

const Override* find_override(OverrideScope section, std::string_view name) {
  const auto found = std::ranges::find_if(
      override_rows, [&](const Override& row) { return row.name == name && applies(row, section); });
  return found == override_rows.end() ? nullptr : &*found;
}

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names;
  for (const Setting& setting : table) names.push_back(setting.name);
  return names;
}

std::vector<std::string_view> override_names(OverrideScope section) {
  std::vector<std::string_view> names;
  for (const Override& row : override_rows) {
    if (applies(row, section)) names.push_back(row.name);
  }
  return names;
}

SettingValue value_of(const Setting& setting, const Settings& settings) {
  return std::visit([&](auto field) { return member_value(setting.type, settings.*field); }, setting.field);
}

std::optional<SettingValue> value_of(const Override& override, const PoolOverrides& overrides) {
  return std::visit(
      [&](auto field) -> std::optional<SettingValue> {
        const auto& member = overrides.*field;
        if (!member) return std::nullopt;
        return member_value(override.type, *member);
      },
      override.field);
}

void assign(const Setting& setting, Settings& settings, const SettingValue& value) {
  std::visit([&](auto field) { assign_member(settings.*field, value); }, setting.field);
}

void assign(const Override& override, PoolOverrides& overrides, const SettingValue& value) {
  std::visit([&](auto field) { assign_member((overrides.*field).emplace(), value); }, override.field);
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string_view nearest;
  std::size_t least = std::min<std::size_t>(3, name.size() / 3) + 1;
  if (name.size() > 64) return nearest;
  if (name.size() >= 4) {  // "port" of listen_port
    for (const std::string_view candidate : known) {
      if (candidate.find(name) != std::string_view::npos) return candidate;
    }
  }
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace ballast
