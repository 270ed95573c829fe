#include "proxy/app/pool_report.hpp"

#include <algorithm>
#include <iterator>

namespace ballast {

namespace {

std::vector<const Pool*> pools_beside(const PoolSet& pools, const SessionSet& sessions) {
  std::vector<const Pool*> beside = pools.listening_pools();
  for (const auto& session : sessions.sessions()) {
    const Pool* const pool = session->pool();
    if (pool != nullptr && pool->is_for_replication()) beside.push_back(pool);
  }
  return beside;
}

// What it has served is left out: it would be missing again when the connection ends, and totals only grow.
PoolFigures part_of_ordinary(const Pool& pool, const Settings& settings) {
  const PoolFigures all = pool.figures();
  PoolFigures part;
  part.key = all.key.ordinary();
  part.clients = all.clients;
  part.clients_waiting = all.clients_waiting;
  part.servers_active = all.servers_active;
  part.servers_listening = all.servers_listening;
  part.servers_idle = all.servers_idle;
  part.servers_settling = all.servers_settling;
  part.servers_connecting = all.servers_connecting;
  part.size = settings.pool_settings(part.key.database, part.key.user).pool_size;
  part.oldest_wait = all.oldest_wait;
  return part;
}

}  // namespace

std::vector<PoolFigures> pool_figures(const PoolSet& pools, const SessionSet& sessions) {
  std::vector<PoolFigures> figures;
  for (const auto& [key, pool] : pools.pools()) figures.push_back(pool->figures());
  for (const Pool* const pool : pools_beside(pools, sessions))
    figures.push_back(part_of_ordinary(*pool, pools.settings()));
  return figures;
}

std::vector<ServerFigures> server_figures(const PoolSet& pools, const SessionSet& sessions) {
  std::vector<ServerFigures> figures;
  const auto add = [&figures](const Pool& pool) {
    std::ranges::move(pool.server_figures(), std::back_inserter(figures));
  };
  for (const auto& [key, pool] : pools.pools()) add(*pool);
  for (const Pool* const pool : pools_beside(pools, sessions)) add(*pool);
  return figures;
}

}  // namespace ballast
