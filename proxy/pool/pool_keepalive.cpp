// What keepalive asks of the pools of a worker: when the database was last busy for others, a ping, a
// connect.
#include <algorithm>
#include <chrono>
#include <utility>

#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

// An operator's question puts off the database's sleep, and by no more than this.
constexpr std::chrono::seconds ask_within{30};

}  // namespace

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

bool Pool::ask_idle_one(Answered done) {
  if (idle_.empty()) return false;
  asked_.emplace_back(idle_.back(), std::move(done));
  return ping_idle_one();
}

// Did anybody?
bool Pool::tell_who_asked(const ServerConnection& server, bool is_answered) {
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&server](const auto& entry) { return entry.first == &server; });
  if (asked == asked_.end()) return false;
  const Answered done = std::move(asked->second);
  asked_.erase(asked);
  done(is_answered);
  return true;
}

PoolSet::Asked PoolSet::ask_database(AskEvenIf even_if, TimePoint now, const Pool::Answered& done) {
  if (broker_.upstream().state() != Upstream::State::awake) return Asked::not_awake;
  TimePoint active_at = long_ago;
  for (const auto& [key, pool] : pools_) active_at = std::max(active_at, pool->active_at(now));
  const bool is_resting = settings_->may_sleep() && now - active_at > ask_within;
  if (is_resting && even_if == AskEvenIf::never) return Asked::not_while_it_rests;
  for (const auto& [key, pool] : pools_) {
    if (pool->ask_idle_one(done)) return Asked::yes;
  }
  return Asked::no_idle_server;
}

void PoolSet::wake_database() {
  pool({settings_->upstream.dbname, settings_->upstream.user}).connect_ahead();
}

bool Pool::connect_for_keepalive() {
  if (pools_.world().loop.now() < retry_at_ || connect_one(settings_.pool_size) != Broker::Refusal::none)
    return false;
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
