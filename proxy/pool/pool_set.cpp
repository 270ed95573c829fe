#include "proxy/pool/pool_set.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace ballast {

namespace {

// Servers that are connected are still what is wanted, if their user logs in as before.
bool lead_to_the_same(UpstreamTarget one, UpstreamTarget other) {
  one.password = other.password = {};
  return one == other;
}

}  // namespace

PoolSet::PoolSet(World& world, Broker& broker, std::shared_ptr<const Settings> settings,
                 std::unique_ptr<UserTable> users)
    : world_(world), broker_(broker), settings_(std::move(settings)), users_(std::move(users)) {
  broker_.configure(settings_->fair_by);
  worker_ = broker_.enroll(world_.loop, *this);
}

PoolSet::~PoolSet() { broker_.leave(worker_); }

Pool& PoolSet::pool(const PoolKey& key) {
  std::unique_ptr<Pool>& pool = pools_[key];
  if (!pool) pool = std::make_unique<Pool>(*this, key);
  return *pool;
}

Notifications& PoolSet::notifications(const PoolKey& key, const std::string& encoding) {
  std::unique_ptr<Notifications>& notifications = notifications_[{key, encoding}];
  if (!notifications) notifications = std::make_unique<Notifications>(*this, key, encoding);
  return *notifications;
}

std::size_t PoolSet::subscriber_count() const {
  std::size_t count = 0;
  for (const auto& [key, notifications] : notifications_) count += notifications->subscriber_count();
  return count;
}

std::vector<const Pool*> PoolSet::listening_pools() const {
  std::vector<const Pool*> pools;
  for (const auto& [key, notifications] : notifications_) pools.push_back(&notifications->pool());
  return pools;
}

void PoolSet::configure(std::shared_ptr<const Settings> settings, std::unique_ptr<UserTable> users) {
  const std::shared_ptr<const Settings> former = std::exchange(settings_, std::move(settings));
  broker_.configure(settings_->fair_by);
  users->inherit(*users_);
  const std::shared_ptr<UserTable> former_users = std::exchange(users_, std::move(users));
  settings_->server_budget == Switch::on ? broker_.doubt_limits() : broker_.forget_limits();
  for (const auto& [key, pool] : pools_) pool->configure(settings_->pool_settings(key.database, key.user));
  for (const auto& [key, notifications] : notifications_) notifications->configure();
  const bool is_same_target = lead_to_the_same(former->upstream, settings_->upstream);
  reconnect_if([&](const PoolKey& key) {
    if (!is_same_target) return true;
    // Who has been removed could make no new ones: those that there are serve its clients until they leave.
    return users_->find(key.user) != nullptr &&
           former_users->server_credentials(key.user) != users_->server_credentials(key.user);
  });
}

void PoolSet::tick(TimePoint now) {
  broker_.tick(now);
  for (const auto& [key, pool] : pools_) pool->tick(now);
  for (const auto& [key, notifications] : notifications_) notifications->tick(now);
  std::erase_if(notifications_, [](const auto& entry) { return entry.second->is_empty(); });
  forget_empty_pools();
  statements_.sweep();
}

// A database that nothing was ever served of may be any name that a client has thought up.
void PoolSet::forget_empty_pools() {
  std::erase_if(pools_, [this](const auto& entry) {
    if (!entry.second->is_empty()) return false;
    const ServedTotals served = entry.second->figures().served();
    if (served.totals.transactions > 0) departed_[entry.first.database] += served;
    return true;
  });
}

void PoolSet::grow() {
  for (const auto& [key, pool] : pools_) pool->grow();
}

void PoolSet::refuse_surplus() {
  for (const auto& [key, pool] : pools_) pool->refuse_surplus();
}

bool PoolSet::evict_for(const PoolKey& key, Broker::Refusal refusal) {
  for (const auto& [other, pool] : pools_) {
    if (other != key && share_limit(refusal, other, key) && pool->close_idle_one()) return true;
  }
  return false;
}

void PoolSet::give_to_others(const PoolKey& key) {
  // A server that can move is worth more than the room for a new one.
  if (const auto found = pools_.find(key); found != pools_.end() && found->second->give_idle_one()) return;
  for (const auto& [other, pool] : pools_) {
    if (pool->give_idle_one()) return;
  }
}

void PoolSet::close_all_idle() {
  for (const auto& [key, pool] : pools_) pool->close_all_idle();
}

// Lifetimes are spread over their last tenth, so that connections made together do not end together.
TimePoint PoolSet::expiry(TimePoint born) {
  const auto lifetime = settings_->server_lifetime;
  if (lifetime.count() == 0) return TimePoint::max();
  std::array<char, 4> bytes{};
  world_.random.fill(bytes);
  std::uint32_t random = 0;
  std::memcpy(&random, bytes.data(), bytes.size());
  const auto jitter = lifetime / 10;
  const auto cut = jitter.count() == 0 ? 0 : static_cast<Milliseconds::rep>(random) % jitter.count();
  return born + lifetime - Milliseconds(cut);
}

}  // namespace ballast
