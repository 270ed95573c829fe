// Rows of pools, databases, users, and of the whole.
#include <algorithm>
#include <map>
#include <set>

#include "proxy/app/console_rows.hpp"
#include "proxy/app/metrics.hpp"
#include "proxy/app/upstream_url.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {

namespace {

using ServerState = ServerFigures::State;
using std::chrono::duration_cast;
using std::chrono::microseconds;

const Settings& settings_of(const ConsoleFigures& figures) { return figures.options->settings; }

std::string_view name_of_mode(PoolMode mode) {
  switch (mode) {
    case PoolMode::session:
      return "session";
    case PoolMode::transaction:
      return "transaction";
    case PoolMode::statement:
      break;
  }
  return "statement";
}

const PoolOverrides& overrides_of(const std::map<std::string, PoolOverrides>& all, const std::string& name) {
  static const PoolOverrides none;
  const auto found = all.find(name);
  return found == all.end() ? none : found->second;
}

Cell number_or_null(const std::optional<int>& value) { return value ? number(*value) : null; }
Cell mode_or_null(const std::optional<PoolMode>& mode) { return mode ? text(name_of_mode(*mode)) : null; }

std::set<std::string> databases_of(const ConsoleFigures& figures) {
  const Settings& settings = settings_of(figures);
  std::set<std::string> names{settings.upstream.dbname};
  for (const auto& [name, overrides] : settings.databases) names.insert(name);
  for (const PoolFigures& pool : figures.pools) names.insert(pool.key.database);
  names.insert(figures.gates.paused.begin(), figures.gates.paused.end());
  names.insert(figures.gates.disabled.begin(), figures.gates.disabled.end());
  names.erase("");
  return names;
}

std::set<std::string> users_of(const ConsoleFigures& figures) {
  std::set<std::string> names(figures.users.begin(), figures.users.end());
  for (const auto& [name, overrides] : settings_of(figures).users) names.insert(name);
  for (const PoolFigures& pool : figures.pools) names.insert(pool.key.user);
  return names;
}

std::size_t servers_of(const PoolFigures& pool) {
  return static_cast<std::size_t>(pool.servers()) + pool.servers_connecting;
}

std::string joined_hosts(const UpstreamTarget& target) {
  std::string list;
  for (const UpstreamHost& host : target.hosts) list += (list.empty() ? "" : ",") + host.host;
  return list;
}

}  // namespace

Rows pool_rows(const ConsoleFigures& figures) {
  std::map<PoolKey, std::map<ServerState, int>> servers;
  for (const ServerFigures& server : figures.servers) ++servers[server.key.ordinary()][server.state];
  Rows rows;
  for (const PoolFigures& pool : figures.pools) {
    std::map<ServerState, int>& states = servers[pool.key];
    const auto wait = duration_cast<microseconds>(pool.oldest_wait);
    const PoolSettings settings = settings_of(figures).pool_settings(pool.key.database, pool.key.user);
    const auto waiting = static_cast<int>(pool.clients_waiting);
    const int active = states[ServerState::active] + states[ServerState::listening];
    rows.push_back(
        {text(pool.key.database), text(pool.key.user), number(pool.clients - waiting), number(waiting),
         number(0), number(0), number(active), number(0), number(states[ServerState::being_canceled]),
         number(states[ServerState::idle]), number(states[ServerState::rested]),
         number(states[ServerState::tested]), number(pool.servers_connecting),
         number(duration_cast<std::chrono::seconds>(wait).count()),
         number((wait % std::chrono::seconds(1)).count()), text(name_of_mode(settings.pool_mode)), null});
  }
  return rows;
}

Rows database_rows(const ConsoleFigures& figures, ColumnNames names) {
  const Settings& settings = settings_of(figures);
  const UpstreamTarget& target = settings.upstream;
  std::map<std::string, std::size_t> servers;
  std::map<std::string, int> clients;
  for (const PoolFigures& pool : figures.pools) {
    servers[pool.key.database] += servers_of(pool);
    clients[pool.key.database] += pool.clients;
  }
  const auto lifetime = duration_cast<std::chrono::seconds>(settings.server_lifetime).count();
  Rows rows;
  for (const std::string& name : databases_of(figures)) {
    const PoolSettings pool = settings.pool_settings(name, "");
    rows.push_back({text(name), text(joined_hosts(target)),
                    number(target.hosts.empty() ? 0 : target.hosts.front().port), text(pool.dbname), null,
                    number(pool.pool_size), number(pool.min_pool_size), number(pool.reserve_pool_size),
                    number(lifetime), mode_or_null(overrides_of(settings.databases, name).pool_mode), null,
                    number(pool.max_db_connections), number(servers[name]), number(0), number(clients[name]),
                    number(figures.gates.is_paused(name) ? 1 : 0),
                    number(figures.gates.is_disabled(name) ? 1 : 0)});
    if (names == ColumnNames::present_and_former) rows.back().push_back(number(pool.reserve_pool_size));
  }
  return rows;
}

Rows user_rows(const ConsoleFigures& figures) {
  const Settings& settings = settings_of(figures);
  std::map<std::string, std::size_t> servers;
  std::map<std::string, int> clients;
  for (const PoolFigures& pool : figures.pools) {
    servers[pool.key.user] += servers_of(pool);
    clients[pool.key.user] += pool.clients;
  }
  Rows rows;
  for (const std::string& name : users_of(figures)) {
    const PoolOverrides& overrides = overrides_of(settings.users, name);
    rows.push_back({text(name), number_or_null(overrides.pool_size),
                    number_or_null(overrides.reserve_pool_size), mode_or_null(overrides.pool_mode),
                    number(overrides.max_connections.value_or(settings.max_user_connections)),
                    number(servers[name]), number(0), number(clients[name])});
  }
  return rows;
}

Rows list_rows(const ConsoleFigures& figures) {
  const auto logins = std::count_if(figures.clients.begin(), figures.clients.end(), [](const auto& client) {
    return client.state == ClientFigures::State::login;
  });
  return {{text("databases"), number(databases_of(figures).size())},
          {text("users"), number(users_of(figures).size())},
          {text("peers"), number(0)},
          {text("pools"), number(figures.pools.size())},
          {text("peer_pools"), number(0)},
          {text("free_clients"), number(0)},
          {text("used_clients"), number(figures.clients.size())},
          {text("login_clients"), number(logins)},
          {text("free_servers"), number(0)},
          {text("used_servers"), number(figures.servers.size())},
          {text("dns_names"), number(settings_of(figures).upstream.hosts.size())},
          {text("dns_zones"), number(0)},
          {text("dns_queries"), number(0)},
          {text("dns_pending"), number(0)}};
}

// What each kind takes by itself, without what the system and TLS add.
Rows memory_rows(const ConsoleFigures& figures) {
  const auto row = [](std::string_view name, std::size_t size, std::size_t count) {
    return Row{text(name), number(size), number(count), number(0), number(size * count)};
  };
  return {row("client_cache", figures.client_bytes, figures.clients.size()),
          row("server_cache", figures.server_bytes, figures.servers.size()),
          row("pool_cache", figures.pool_bytes, figures.pools.size())};
}

// Nothing is cached: the addresses are those that are in use.
Rows host_rows(const ConsoleFigures& figures) {
  std::set<std::string> addresses;
  for (const ServerFigures& server : figures.servers) addresses.insert(server.stream.address);
  std::string list;
  for (const std::string& address : addresses) list += (list.empty() ? "" : ",") + address;
  Rows rows;
  for (const UpstreamHost& host : settings_of(figures).upstream.hosts)
    rows.push_back({text(host.host), number(0), text(list)});
  return rows;
}

Rows state_rows(const ConsoleFigures& figures) {
  const auto row = [](std::string_view key, bool is) { return Row{text(key), text(is ? "yes" : "no")}; };
  const Gates& gates = figures.gates;
  return {row("active", !gates.are_all_paused && !gates.is_suspended),
          row("paused", gates.are_all_paused && !gates.is_suspended), row("suspended", gates.is_suspended)};
}

Rows upstream_rows(const ConsoleFigures& figures) {
  const SlotBudget::Figures& slots = figures.slots;
  std::size_t servers = 0;
  for (const PoolFigures& pool : figures.pools) servers += servers_of(pool);
  const Cell most = slots.most == SlotBudget::unlimited ? null : number(slots.most);
  const Cell max = slots.limits.max_connections == 0 ? null : number(slots.limits.max_connections);
  return {{text("state"), text(name_of(figures.upstream))},
          {text("url"), text(shown_url(settings_of(figures).upstream))},
          {text("may_sleep"), text(settings_of(figures).may_sleep() ? "yes" : "no")},
          {text("servers"), number(servers)},
          {text("servers_max"), most},
          {text("max_connections"), max},
          {text("has_refused_for_want_of_a_place"), text(slots.is_shrunk() ? "yes" : "no")},
          {text("keepalive_pings"), number(figures.keepalive.pings)},
          {text("keepalive_connects"), number(figures.keepalive.connects)},
          {text("keepalive_cu_hours"), text(std::to_string(figures.keepalive.spending.cu_hours()))}};
}

}  // namespace ballast
