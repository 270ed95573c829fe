// What an operator asks of the pools of a worker: to pause, to go on, to let go of their servers.
#include <algorithm>
#include <utility>

#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

void Pool::obey(const Gates& gates) {
  const bool was_paused = std::exchange(is_paused_, gates.is_paused(key_.database));
  const bool begins_to_leave = gates.is_leaving && !std::exchange(is_leaving_, gates.is_leaving);
  if (is_paused_) {
    stop_asking();
    give_up_connecting();
  }
  if (is_paused_ || begins_to_leave) close_all_idle();
  if (was_paused && !is_paused_) grow();
}

// Not from within one of their own calls.
void Pool::give_up_connecting() {
  const std::vector<Attempt> given_up = std::exchange(connecting_, {});
  for (const Attempt& attempt : given_up)
    tell_others(pools_.broker().upstream().given_up(attempt.at_upstream));
}

void Pool::reconnect() {
  retired_up_to_ = pools_.broker().last_server_id();
  const std::vector<ServerConnection*> idle = idle_;
  for (ServerConnection* const server : idle) close(*server, "is to be replaced");
}

int Pool::closing_count() const {
  const auto is_retired = [this](std::uint64_t id) { return id <= retired_up_to_; };
  return static_cast<int>(std::count_if(servers_.begin(), servers_.end(),
                                        [&](const auto& server) { return is_retired(server->id()); }) +
                          std::count_if(connecting_.begin(), connecting_.end(),
                                        [&](const Attempt& it) { return is_retired(it.id); }));
}

void Pool::close_settling() {
  std::vector<ServerConnection*> settling;
  for (const auto& server : servers_) {
    if (server->state() == ServerConnection::State::settling) settling.push_back(server.get());
  }
  for (ServerConnection* const server : settling) close(*server, "KILL");
}

void PoolSet::obey(Gates gates) {
  gates_ = std::move(gates);
  for (const auto& [key, pool] : pools_) pool->obey(gates_);
  for (const auto& [key, notifications] : notifications_) notifications->obey(gates_);
}

void PoolSet::reconnect(std::string_view database) {
  reconnect_if([database](const PoolKey& key) { return is_meant(database, key.database); });
}

void PoolSet::reconnect_if(const std::function<bool(const PoolKey&)>& is_meant) {
  for (const auto& [key, pool] : pools_) {
    if (is_meant(key)) pool->reconnect();
  }
  for (const auto& [key, notifications] : notifications_) {
    if (is_meant(key.first)) notifications->reconnect();
  }
}

int PoolSet::closing_count(std::string_view database) const {
  int count = 0;
  for (const auto& [key, pool] : pools_) {
    if (is_meant(database, key.database)) count += pool->closing_count();
  }
  return count;
}

void PoolSet::close_settling(std::string_view database) {
  for (const auto& [key, pool] : pools_) {
    if (is_meant(database, key.database)) pool->close_settling();
  }
}

bool PoolSet::has_pool_of(std::string_view database) const {
  return std::any_of(pools_.begin(), pools_.end(),
                     [database](const auto& entry) { return entry.first.database == database; });
}

}  // namespace ballast
