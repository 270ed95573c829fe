// What keepalive asks of the pools of a worker: when the database was last busy for others, a ping, a
// connect.
#include <algorithm>

#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

// As Neon's own monitor sees it (compute_tools/src/monitor.rs): any state other than idle is activity now.
TimePoint Pool::active_at(TimePoint now) const {
  TimePoint latest = long_ago;
  for (const auto& server : servers_) {
    const bool is_idle = server->pipeline().at_rest() || server->is_pinged();
    const bool is_between = server->pipeline().status() == TransactionStatus::idle;
    latest = std::max(latest, is_idle && is_between ? server->active_at() : now);
  }
  return latest;
}

// The one used last: the others may go idle and end.
bool Pool::ping_idle_one() {
  if (idle_.empty()) return false;
  ServerConnection& server = *idle_.back();
  idle_.pop_back();
  server.become(ServerConnection::State::settling);
  server.probe();
  server.flush();
  return true;
}

bool Pool::connect_for_keepalive() {
  if (pools_.world().loop.now() < retry_at_ || !connect_one(settings_.pool_size)) return false;
  keepalive_id_ = connecting_.back().id;
  return true;
}

void PoolSet::keep_awake(TimePoint now, WallTime wall) {
  Keepalive& keepalive = broker_.keepalive();
  if (keepalive.is_off()) return;
  Keepalive::Sight sight;
  sight.worker = worker_;
  sight.upstream = broker_.upstream().state();
  sight.now = now;
  sight.wall = wall;
  for (const auto& [key, pool] : pools_) {
    sight.clients += pool->clients;
    sight.has_idle_server = sight.has_idle_server || pool->idle_count() > 0;
    sight.active_at = std::max(sight.active_at, pool->active_at(now));
  }
  const Keepalive::Act act = keepalive.decide(sight);
  if (act == Keepalive::Act::connect && pools_.empty())
    pool({settings_->upstream.dbname, settings_->upstream.user});
  for (const auto& [key, pool] : pools_) {
    if (act == Keepalive::Act::nothing) break;
    if (act == Keepalive::Act::ping ? pool->ping_idle_one() : pool->connect_for_keepalive()) break;
  }
}

}  // namespace ballast
