#include "proxy/pool/broker.hpp"

#include <cassert>

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

}  // namespace ballast
