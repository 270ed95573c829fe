// The names and types of the columns that each SHOW has.
#include <array>
#include <span>

#include "proxy/app/console_tables.hpp"

namespace ballast {

namespace {

constexpr auto text = ColumnType::text;
constexpr auto int4 = ColumnType::int4;
constexpr auto int8 = ColumnType::int8;
constexpr auto numeric = ColumnType::numeric;

using Columns = std::span<const Column>;

// clang-format off
// The first 21 of these are those of CLIENTS and SERVERS.
constexpr std::array sockets{
    Column{"type"}, Column{"user"}, Column{"database"}, Column{"replication"}, Column{"state"}, Column{"addr"},
    Column{"port", int4}, Column{"local_addr"}, Column{"local_port", int4}, Column{"connect_time"},
    Column{"request_time"}, Column{"wait", int4}, Column{"wait_us", int4}, Column{"close_needed", int4},
    Column{"ptr"}, Column{"link"}, Column{"remote_pid", int4}, Column{"tls"}, Column{"application_name"},
    Column{"prepared_statements", int4}, Column{"id", int4},
    Column{"recv_pos", int4}, Column{"pkt_pos", int4}, Column{"pkt_remain", int4}, Column{"send_pos", int4},
    Column{"send_remain", int4}, Column{"pkt_avail", int4}, Column{"send_avail", int4},
};
constexpr std::size_t connection_columns = 21;

constexpr std::array config{Column{"key"}, Column{"value"}, Column{"default"}, Column{"changeable"}};
constexpr std::array databases{
    Column{"name"}, Column{"host"}, Column{"port", int4}, Column{"database"}, Column{"force_user"},
    Column{"pool_size", int4}, Column{"min_pool_size", int4}, Column{"reserve_pool_size", int4},
    Column{"server_lifetime", int4}, Column{"pool_mode"}, Column{"load_balance_hosts"},
    Column{"max_connections", int4}, Column{"current_connections", int4}, Column{"max_client_connections", int4},
    Column{"current_client_connections", int4}, Column{"paused", int4}, Column{"disabled", int4},
};
constexpr std::array dns_hosts{Column{"hostname"}, Column{"ttl", int8}, Column{"addrs"}};
constexpr std::array dns_zones{Column{"zonename"}, Column{"serial", int8}, Column{"count", int4}};
constexpr std::array fds{
    Column{"fd", int4}, Column{"task"}, Column{"user"}, Column{"database"}, Column{"addr"}, Column{"port", int4},
    Column{"cancel", int8}, Column{"link", int4}, Column{"client_encoding"}, Column{"std_strings"},
    Column{"datestyle"}, Column{"timezone"}, Column{"password"}, Column{"scram_client_key"},
    Column{"scram_server_key"},
};
constexpr std::array lists{Column{"list"}, Column{"items", int4}};
constexpr std::array mem{
    Column{"name"}, Column{"size", int4}, Column{"used", int4}, Column{"free", int4}, Column{"memtotal", int4},
};
constexpr std::array peer_pools{
    Column{"peer_id", int4}, Column{"cl_active_cancel_req", int4}, Column{"cl_waiting_cancel_req", int4},
    Column{"sv_active_cancel", int4}, Column{"sv_login", int4},
};
constexpr std::array peers{
    Column{"peer_id", int4}, Column{"host"}, Column{"port", int4}, Column{"pool_size", int4},
};
constexpr std::array pools{
    Column{"database"}, Column{"user"}, Column{"cl_active", int4}, Column{"cl_waiting", int4},
    Column{"cl_active_cancel_req", int4}, Column{"cl_waiting_cancel_req", int4}, Column{"sv_active", int4},
    Column{"sv_active_cancel", int4}, Column{"sv_being_canceled", int4}, Column{"sv_idle", int4},
    Column{"sv_used", int4}, Column{"sv_tested", int4}, Column{"sv_login", int4}, Column{"maxwait", int4},
    Column{"maxwait_us", int4}, Column{"pool_mode"}, Column{"load_balance_hosts"},
};
constexpr std::array state{Column{"key"}, Column{"value"}};
constexpr std::array stats{
    Column{"database"},
    Column{"total_server_assignment_count", numeric}, Column{"total_xact_count", numeric},
    Column{"total_query_count", numeric}, Column{"total_received", numeric}, Column{"total_sent", numeric},
    Column{"total_xact_time", numeric}, Column{"total_query_time", numeric}, Column{"total_wait_time", numeric},
    Column{"total_client_parse_count", numeric}, Column{"total_server_parse_count", numeric},
    Column{"total_bind_count", numeric},
    Column{"avg_server_assignment_count", numeric}, Column{"avg_xact_count", numeric},
    Column{"avg_query_count", numeric}, Column{"avg_recv", numeric}, Column{"avg_sent", numeric},
    Column{"avg_xact_time", numeric}, Column{"avg_query_time", numeric}, Column{"avg_wait_time", numeric},
    Column{"avg_client_parse_count", numeric}, Column{"avg_server_parse_count", numeric},
    Column{"avg_bind_count", numeric},
};
constexpr std::array stats_averages{
    Column{"database"}, Column{"server_assignment_count", numeric}, Column{"xact_count", numeric},
    Column{"query_count", numeric}, Column{"bytes_received", numeric}, Column{"bytes_sent", numeric},
    Column{"xact_time", numeric}, Column{"query_time", numeric}, Column{"wait_time", numeric},
    Column{"avg_client_parse_count", numeric}, Column{"avg_server_parse_count", numeric},
    Column{"avg_bind_count", numeric},
};
constexpr std::array stats_totals{
    Column{"database"}, Column{"server_assignment_count", numeric}, Column{"xact_count", numeric},
    Column{"query_count", numeric}, Column{"bytes_received", numeric}, Column{"bytes_sent", numeric},
    Column{"xact_time", numeric}, Column{"query_time", numeric}, Column{"wait_time", numeric},
    Column{"client_parse_count", numeric}, Column{"server_parse_count", numeric}, Column{"bind_count", numeric},
};
constexpr std::array totals{Column{"name"}, Column{"value", numeric}};
constexpr std::array users{
    Column{"name"}, Column{"pool_size"}, Column{"reserve_pool_size"}, Column{"pool_mode"},
    Column{"max_user_connections", int4}, Column{"current_connections", int4},
    Column{"max_user_client_connections", int4}, Column{"current_client_connections", int4},
};
constexpr std::array version{Column{"version"}};

// Our own
constexpr std::array latency{
    Column{"database"}, Column{"user"}, Column{"window_s", int4}, Column{"query_count", int8},
    Column{"query_p50_us", int8}, Column{"query_p95_us", int8}, Column{"query_p99_us", int8},
    Column{"xact_count", int8}, Column{"xact_p50_us", int8}, Column{"xact_p95_us", int8},
    Column{"xact_p99_us", int8}, Column{"wait_count", int8}, Column{"wait_p50_us", int8},
    Column{"wait_p95_us", int8}, Column{"wait_p99_us", int8},
};
constexpr std::array pins{
    Column{"database"}, Column{"user"}, Column{"application_name"}, Column{"id", int4}, Column{"server", int4},
    Column{"reasons"}, Column{"request_time"},
};
constexpr std::array prepared{Column{"name"}, Column{"clients", int4}, Column{"statement"}};
constexpr std::array settings{
    Column{"name"}, Column{"value"}, Column{"source"}, Column{"default"}, Column{"range"},
    Column{"change_needs"}, Column{"meaning"},
};
// clang-format on

Columns all_columns(Show show) {
  switch (show) {
    case Show::clients:
    case Show::servers:
      return Columns(sockets).first(connection_columns);
    case Show::active_sockets:
    case Show::sockets:
      return sockets;
    case Show::config:
      return config;
    case Show::databases:
      return databases;
    case Show::dns_hosts:
      return dns_hosts;
    case Show::dns_zones:
      return dns_zones;
    case Show::fds:
      return fds;
    case Show::help:
      return {};
    case Show::lists:
      return lists;
    case Show::mem:
      return mem;
    case Show::peer_pools:
      return peer_pools;
    case Show::peers:
      return peers;
    case Show::pools:
      return pools;
    case Show::state:
    case Show::upstream:
      return state;
    case Show::stats:
      return stats;
    case Show::stats_averages:
      return stats_averages;
    case Show::stats_totals:
      return stats_totals;
    case Show::totals:
      return totals;
    case Show::users:
      return users;
    case Show::version:
      return version;
    case Show::latency:
      return latency;
    case Show::pins:
      return pins;
    case Show::prepared:
      return prepared;
    case Show::settings:
      return settings;
  }
  return {};
}

}  // namespace

std::vector<Column> columns_of(Show show, ColumnNames names) {
  const Columns present = all_columns(show);
  std::vector<Column> columns(present.begin(), present.end());
  if (names == ColumnNames::present) return columns;
  if (show == Show::stats) columns.push_back({"total_requests", numeric});
  if (show == Show::databases) columns.push_back({"reserve_pool", int4});
  return columns;
}

std::vector<Column> columns_of(const ConsoleCommand& command, ColumnNames names) {
  if (command.kind == ConsoleCommand::Kind::show) return columns_of(command.show, names);
  if (command.kind != ConsoleCommand::Kind::show_parameter) return {};
  return {{parameter_name(command), text}};
}

}  // namespace ballast
