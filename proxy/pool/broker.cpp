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
// Of those that are meant, the one that has waited longest; the end if there is none.
auto oldest_of(auto& hungry, const auto& is_meant) {
  auto oldest = hungry.end();
  for (auto it = hungry.begin(); it != hungry.end(); ++it) {
    if (is_meant(*it) && (oldest == hungry.end() || it->since < oldest->since)) oldest = it;
  }
  return oldest;
}
// Of those that have clients who wait, the one with the fewest servers comes first.
bool goes_by_shares(FairBy fair_by, const Broker::Turn& turn) {
  return fair_by != FairBy::none && turn.since < TimePoint::max();
}

}  // namespace

void Permit::give_back() {
  if (broker_ != nullptr) broker_->give_back(key_);
  broker_ = nullptr;
}

bool share_limit(Broker::Refusal limit, const PoolKey& one, const PoolKey& other) {
  switch (limit) {
    case Broker::Refusal::max_db_connections:
      return one.database == other.database;
    case Broker::Refusal::max_user_connections:
      return one.user == other.user;
    case Broker::Refusal::max_connections:
      return true;
    case Broker::Refusal::pool_size:
    case Broker::Refusal::none:
      break;
  }
  return false;
}

Broker::Answer Broker::ask(const PoolKey& key, const PoolSettings& settings, int size, Turn turn) {
  const std::scoped_lock lock(mutex_);
  const auto is_reached = [this, &key, &turn](Refusal limit, int count, int max) {
    return max > 0 && count + ahead_of(turn, limit, key) >= max;
  };
  if (servers_of(key) >= size) return {{}, Refusal::pool_size};
  if (is_reached(Refusal::max_db_connections, count(by_database_, key.database), settings.max_db_connections))
    return {{}, Refusal::max_db_connections};
  if (is_reached(Refusal::max_user_connections, count(by_user_, key.user), settings.max_user_connections))
    return {{}, Refusal::max_user_connections};
  const int most = slots_.most();
  if (most < SlotBudget::unlimited && is_reached(Refusal::max_connections, servers_, most))
    return {{}, Refusal::max_connections};
  take_place(key, settings);
  return {Permit(*this, key), Refusal::none};
}

// A difference of one is none: a place would go to and fro between two for ever.
bool Broker::is_ahead(const Hungry& hungry, const PoolKey& key, const Turn& turn) const {
  if (hungry.pool == turn.pool) return false;
  if (goes_by_shares(fair_by_, turn)) {
    const int theirs = servers_of(hungry.key);
    const int ours = servers_of(key);
    if (theirs + 1 < ours) return true;
    if (ours + 1 < theirs) return false;
  }
  return hungry.since < turn.since;
}

// With the place they would have two more than we.
bool Broker::would_come_back(const Hungry& hungry, const PoolKey& key, const Turn& turn) const {
  return goes_by_shares(fair_by_, turn) && servers_of(hungry.key) >= servers_of(key);
}

// Those whom another shared limit stands in the way of count as well: a pool that needs places in two full
// limits would lose the one while it gets the other, for ever, and make others close servers for nothing.
// Those who wait for a server of their own pool don't: they could not use a place.
int Broker::ahead_of(const Turn& turn, Refusal limit, const PoolKey& key) const {
  return static_cast<int>(std::count_if(hungry_.begin(), hungry_.end(), [&](const Hungry& other) {
    return other.refusal != Refusal::pool_size && is_ahead(other, key, turn) &&
           share_limit(limit, other.key, key);
  }));
}

int Broker::servers(const PoolKey& key) const {
  const std::scoped_lock lock(mutex_);
  return servers_of(key);
}

int Broker::servers_of_database(const std::string& database) const {
  const std::scoped_lock lock(mutex_);
  return database.empty() ? servers_ : count(by_database_, database);
}

int Broker::servers_of(const PoolKey& key) const {
  const auto share = by_pool_.find(key);
  return share == by_pool_.end() ? 0 : share->second.servers;
}

void Broker::take_place(const PoolKey& key, const PoolSettings& settings) {
  const bool is_new = !by_pool_.contains(key);
  Share& share = by_pool_[key];
  ++share.servers;
  ++by_database_[key.database];
  ++by_user_[key.user];
  ++servers_;
  if (!is_new) return;
  share.size = key.listening ? 1 : settings.pool_size + settings.reserve_pool_size;
  if (settings.max_db_connections > 0) share.database_max = settings.max_db_connections;
  warn_of_sizes();
}

void Broker::give_back(const PoolKey& key) {
  const std::scoped_lock lock(mutex_);
  const auto share = by_pool_.find(key);
  assert(share != by_pool_.end());
  if (--share->second.servers == 0) by_pool_.erase(share);
  --servers_;
  subtract(by_database_, key.database);
  subtract(by_user_, key.user);
  // All of them are told: the first may have no use for the place any more.
  for (const Hungry& hungry : hungry_) {
    if (!share_limit(hungry.refusal, hungry.key, key)) continue;
    const Member& member = members_[static_cast<std::size_t>(hungry.worker)];
    member.loop->post([pools = member.pools] { pools->grow(); });
  }
}

void Broker::grow_all() {
  const std::scoped_lock lock(mutex_);
  for (const Member& member : members_) {
    if (member.loop != nullptr) member.loop->post([pools = member.pools] { pools->grow(); });
  }
}

int Broker::enroll(Loop& loop, PoolSet& pools) {
  const std::scoped_lock lock(mutex_);
  members_.push_back({&loop, &pools});
  return static_cast<int>(members_.size()) - 1;
}

void Broker::leave(int worker) {
  const std::scoped_lock lock(mutex_);
  members_[static_cast<std::size_t>(worker)] = {nullptr, nullptr};
  std::erase_if(hungry_, [worker](const Hungry& hungry) { return hungry.worker == worker; });
  count_hungry();
}

void Broker::want(int worker, const PoolKey& key, Turn turn, Refusal refusal) {
  const std::scoped_lock lock(mutex_);
  const auto is_its = [&turn](const Hungry& hungry) { return hungry.pool == turn.pool; };
  const auto found = std::find_if(hungry_.begin(), hungry_.end(), is_its);
  if (found != hungry_.end() && found->refusal == refusal && !found->is_answered) {
    found->since = turn.since;
    return;  // the others know
  }
  std::erase_if(hungry_, is_its);
  hungry_.push_back({turn.pool, worker, key, turn.since, refusal});
  count_hungry();
  for (const Member& member : members_) {
    if (member.loop == nullptr || &member == &members_[static_cast<std::size_t>(worker)]) continue;
    member.loop->post([pools = member.pools, key] { pools->give_to_others(key); });
  }
}

void Broker::unwant(const Pool& pool) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(hungry_, [&pool](const Hungry& hungry) { return hungry.pool == &pool; });
  count_hungry();
}

void Broker::count_hungry() {
  hungry_count_ = static_cast<int>(std::count_if(hungry_.begin(), hungry_.end(),
                                                 [](const Hungry& hungry) { return !hungry.is_answered; }));
}

std::optional<int> Broker::hungriest(int except, const PoolKey& key, TimePoint before) {
  const std::scoped_lock lock(mutex_);
  const auto oldest = oldest_of(hungry_, [&](const Hungry& hungry) {
    return !hungry.is_answered && hungry.worker != except && hungry.key == key && hungry.since < before;
  });
  if (oldest == hungry_.end()) return std::nullopt;
  const int worker = oldest->worker;
  hungry_.erase(oldest);
  count_hungry();
  return worker;
}

bool Broker::is_place_wanted(const PoolKey& key, Turn turn) {
  const std::scoped_lock lock(mutex_);
  const auto oldest = oldest_of(hungry_, [&](const Hungry& hungry) {
    return !hungry.is_answered && is_ahead(hungry, key, turn) && !would_come_back(hungry, key, turn) &&
           share_limit(hungry.refusal, hungry.key, key);
  });
  if (oldest == hungry_.end()) return false;
  oldest->is_answered = true;
  count_hungry();
  return true;
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
