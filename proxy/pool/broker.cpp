#include "proxy/pool/broker.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {
int count(const auto& counts, const auto& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}
void subtract(auto& counts, const auto& key) {
  const auto found = counts.find(key);
  assert(found != counts.end());
  if (--found->second == 0) counts.erase(found);
}
}  // namespace

void Permit::give_back() {
  if (broker_ != nullptr) broker_->give_back(key_);
  broker_ = nullptr;
}

Broker::Answer Broker::ask(const PoolKey& key, const PoolSettings& settings, int size) {
  const std::scoped_lock lock(mutex_);
  if (count(by_pool_, key) >= size) return {{}, Refusal::pool_size};
  if (settings.max_db_connections > 0 && count(by_database_, key.database) >= settings.max_db_connections) {
    return {{}, Refusal::max_db_connections};
  }
  if (settings.max_user_connections > 0 && count(by_user_, key.user) >= settings.max_user_connections) {
    return {{}, Refusal::max_user_connections};
  }
  ++by_pool_[key];
  ++by_database_[key.database];
  ++by_user_[key.user];
  return {Permit(*this, key), Refusal::none};
}

int Broker::servers(const PoolKey& key) const {
  const std::scoped_lock lock(mutex_);
  return count(by_pool_, key);
}

void Broker::give_back(const PoolKey& key) {
  const std::scoped_lock lock(mutex_);
  subtract(by_pool_, key);
  subtract(by_database_, key.database);
  subtract(by_user_, key.user);
}

bool Broker::begin_connecting(int limit) {
  if (connecting_.fetch_add(1) < limit) return true;
  --connecting_;
  return false;
}

int Broker::enroll(Loop& loop, PoolSet& pools) {
  const std::scoped_lock lock(mutex_);
  members_.push_back({&loop, &pools});
  return static_cast<int>(members_.size()) - 1;
}

void Broker::leave(int worker) {
  const std::scoped_lock lock(mutex_);
  members_[static_cast<std::size_t>(worker)] = {nullptr, nullptr};
  for (auto& [key, waiting] : hungry_) {
    hungry_count_ -=
        static_cast<int>(std::erase_if(waiting, [worker](const Hungry& h) { return h.worker == worker; }));
  }
}

void Broker::want(int worker, const PoolKey& key, TimePoint since, Refusal refusal) {
  const std::scoped_lock lock(mutex_);
  hungry_[key].push_back({worker, since});
  ++hungry_count_;
  for (const Member& member : members_) {
    if (member.loop == nullptr || &member == &members_[static_cast<std::size_t>(worker)]) continue;
    member.loop->post([pools = member.pools, key, refusal] { pools->give_to_others(key, refusal); });
  }
}

void Broker::unwant(int worker, const PoolKey& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = hungry_.find(key);
  if (found == hungry_.end()) return;
  hungry_count_ -= static_cast<int>(
      std::erase_if(found->second, [worker](const Hungry& h) { return h.worker == worker; }));
  if (found->second.empty()) hungry_.erase(found);
}

std::optional<int> Broker::hungriest(int except, const PoolKey& key, TimePoint before) {
  const std::scoped_lock lock(mutex_);
  const auto found = hungry_.find(key);
  if (found == hungry_.end()) return std::nullopt;
  std::vector<Hungry>& waiting = found->second;
  auto oldest = waiting.end();
  for (auto it = waiting.begin(); it != waiting.end(); ++it) {
    if (it->worker == except || it->since >= before) continue;
    if (oldest == waiting.end() || it->since < oldest->since) oldest = it;
  }
  if (oldest == waiting.end()) return std::nullopt;
  const int worker = oldest->worker;
  waiting.erase(oldest);
  --hungry_count_;
  if (waiting.empty()) hungry_.erase(found);
  return worker;
}

void Broker::send(int worker, const PoolKey& key, ServerConnection::Birth server, ReportedParameters bare) {
  const std::scoped_lock lock(mutex_);
  const Member& member = members_[static_cast<std::size_t>(worker)];
  if (member.loop == nullptr) return;  // the server ends here
  // Shared only because a task must be copyable.
  auto parcel = std::make_shared<ServerConnection::Birth>(std::move(server));
  member.loop->post([pools = member.pools, key, parcel, bare = std::move(bare)] {
    pools->pool(key).adopt(std::move(*parcel), bare);
  });
}

}  // namespace ballast
