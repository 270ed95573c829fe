// Settings: every value that an operator can set, parsed and checked. Names and meanings are PgBouncer's
// where PgBouncer has the setting. The table that describes each one (unit, default, range, text) is
// settings_table. Plain data; a worker gets a new immutable copy on reload.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/upstream_target.hpp"

namespace ballast {

enum class PoolMode { session, transaction, statement };
// full: what a session leaves on its server travels with it or keeps the two together; off: it stays there
// for others to find.
enum class SessionFidelity { full, off };
enum class Switch { off, on };
enum class Pings { server, local };
enum class PoolTarget { size, latency };
enum class FairBy { none, user, application_name };
enum class ScaleToZero { automatic, on, off };
enum class KeepaliveMode { off, while_clients, schedule, always };
// A number with up to three decimals.
enum class Thousandths : std::int64_t {};
constexpr double to_double(Thousandths number) { return static_cast<double>(number) / 1000; }
enum class AuthType { trust, plain, md5, scram_sha_256, cert };
// disable: TLS refused; allow: the client chooses; require: TLS or nothing; verify_ca, verify_full: and a
// certificate that client_tls_ca_file vouches for.
enum class ClientTls { disable, allow, require, verify_ca, verify_full };
enum class LogFormat { text, json };

using Milliseconds = std::chrono::milliseconds;  // 0 switches a timeout off

// What may differ by database and user. A value of a user wins over its database's, that over the global one.
struct PoolOverrides {
  std::optional<PoolMode> pool_mode;
  std::optional<SessionFidelity> session_fidelity;
  std::optional<int> pool_size;
  std::optional<int> min_pool_size;
  std::optional<int> reserve_pool_size;
  std::optional<int> max_connections;  // max_db_connections of a database, max_user_connections of a user
  std::optional<std::string> dbname;   // of a database: its name on the server, if it differs
};

struct PoolSettings {
  PoolMode pool_mode = PoolMode::transaction;
  SessionFidelity session_fidelity = SessionFidelity::full;
  int pool_size = 20;
  int min_pool_size = 0;
  int reserve_pool_size = 0;
  int max_db_connections = 0;    // 0: no limit
  int max_user_connections = 0;  // 0: no limit
  std::string dbname;            // database on the server
};

struct Settings {
  // Towards the server. The URL holds a password: it is never shown.
  std::string upstream_url;
  std::string upstream_url_file;

  // Towards the client
  std::string listen_addr = "localhost";  // comma-separated; "*": all; empty: no TCP
  std::uint16_t listen_port = 6432;
  int listen_backlog = 1024;
  std::string unix_socket_dir;  // empty: none
  std::uint32_t unix_socket_mode = 0777;
  Switch so_reuseport = Switch::off;
  ClientTls client_tls_sslmode = ClientTls::disable;
  std::string client_tls_cert_file;
  std::string client_tls_key_file;
  std::string client_tls_ca_file;
  AuthType auth_type = AuthType::scram_sha_256;
  std::string auth_file;
  std::string admin_users;  // comma-separated
  std::string stats_users;

  // Pools
  PoolMode pool_mode = PoolMode::transaction;
  SessionFidelity session_fidelity = SessionFidelity::full;
  Switch defer_begin = Switch::on;
  Pings pings = Pings::server;
  Switch wake_notice = Switch::off;
  Switch connect_ahead = Switch::on;
  int default_pool_size = 20;
  int min_pool_size = 0;
  int reserve_pool_size = 0;
  Milliseconds reserve_pool_timeout{5000};
  PoolTarget pool_target = PoolTarget::size;
  Milliseconds queue_target{0};
  int max_queue = 0;
  FairBy fair_by = FairBy::none;
  int max_client_conn = 1000;
  int max_db_connections = 0;
  int max_user_connections = 0;
  Switch server_budget = Switch::on;
  int max_server_connecting = 8;      // server logins under way at once, over all pools
  int max_prepared_statements = 200;  // kept per server connection; 0: names are passed through untouched
  int max_client_prepared_statements = 10000;  // names that one client may hold
  std::uint32_t max_prepared_statement_length =
      16 * 1024 * 1024;                            // bytes of one Parse that can be prepared again
  std::string server_reset_query = "DISCARD ALL";  // session pooling, when a client leaves

  // Timeouts
  Milliseconds query_wait_timeout{120'000};
  Milliseconds query_timeout{0};
  Milliseconds idle_transaction_timeout{0};
  Milliseconds client_idle_timeout{0};
  Milliseconds client_login_timeout{60'000};
  Milliseconds server_connect_timeout{15'000};
  Milliseconds server_login_retry{1'000};
  Milliseconds server_down_timeout{30'000};
  ScaleToZero scale_to_zero = ScaleToZero::automatic;
  Switch login_pipelining = Switch::on;
  Milliseconds server_check_delay{60'000};  // the shortest rest after which Neon may have suspended
  Milliseconds server_check_timeout{3'000};
  Milliseconds server_idle_timeout{600'000};
  Milliseconds server_lifetime{3'600'000};
  Milliseconds cancel_wait_timeout{10'000};
  Milliseconds shutdown_timeout{30'000};

  // Sleep
  KeepaliveMode keepalive = KeepaliveMode::off;
  std::string keepalive_schedule;                 // Schedule has its form
  Thousandths keepalive_budget_cu_hours{50'000};  // of a calendar month; 0: no limit
  Milliseconds suspend_timeout{300'000};          // Neon's default
  Thousandths compute_cu{250};                    // its smallest

  // Process
  int workers = 1;
  std::uint32_t max_packet_size = 0x3ffffffe;  // the longest message that a client may send, bytes
  std::uint32_t max_notification_backlog = 4 * 1024 * 1024;  // bytes that wait for one client to read them
  std::string state_dir;                                     // empty: nothing is kept over restarts
  std::string http_addr = "127.0.0.1";
  std::uint16_t http_port = 0;  // 0: no HTTP
  std::string http_token;
  std::string http_token_file;
  int log_connections = 1;
  int log_disconnections = 1;
  std::string log_level = "info";
  LogFormat log_format = LogFormat::text;
  std::string log_file;  // empty: standard error

  UpstreamTarget upstream;  // what the URL says
  std::string http_bearer;  // http_token, or what http_token_file holds
  std::map<std::string, PoolOverrides> databases;
  std::map<std::string, PoolOverrides> users;

  // May the database be asleep, and is it not to be woken without need?
  bool may_sleep() const {
    return scale_to_zero == ScaleToZero::on || (scale_to_zero == ScaleToZero::automatic && upstream.is_neon);
  }
  PoolSettings pool_settings(const std::string& database, const std::string& user) const;
};

}  // namespace ballast
