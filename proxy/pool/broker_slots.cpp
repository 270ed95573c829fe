// How many servers the database has room for, as far as the Broker's pools are concerned.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "proxy/base/log.hpp"
#include "proxy/pool/broker.hpp"

namespace ballast {

void Broker::doubt_limits() {
  const std::scoped_lock lock(mutex_);
  slots_.doubt();
  knows_limits_ = false;
}

void Broker::forget_limits() {
  const std::scoped_lock lock(mutex_);
  slots_.forget();
  knows_limits_ = false;
}

bool Broker::takes_limits_question(TimePoint now) {
  if (knows_limits_.load(std::memory_order_relaxed)) return false;
  const std::scoped_lock lock(mutex_);
  return slots_.take_question(now);
}

void Broker::learn_limits(const ServerLimits& limits) {
  const std::scoped_lock lock(mutex_);
  knows_limits_ = true;
  if (!slots_.learn(limits)) return;
  is_shrunk_ = false;
  has_warned_of_sizes_ = false;
  const SlotBudget::Figures figures = slots_.figures();
  log::info("upstream", "has room for " + std::to_string(figures.most) + " server connections (" +
                            to_text(figures) + ")");
  warn_of_sizes();
}

// Once for what the database has said.
void Broker::warn_of_sizes() {
  const SlotBudget::Figures figures = slots_.figures();
  if (has_warned_of_sizes_ || figures.limits.max_connections == 0) return;
  struct Sum {
    std::int64_t size = 0;
    std::int64_t most = SlotBudget::unlimited;
  };
  std::map<std::string, Sum> by_database;
  for (const auto& [key, share] : by_pool_) {
    Sum& sum = by_database[key.database];
    sum.size += share.size;
    sum.most = std::min<std::int64_t>(sum.most, share.database_max);
  }
  std::int64_t all = 0;
  for (const auto& [database, sum] : by_database) all += std::min(sum.size, sum.most);
  if (all <= figures.without_refusals) return;
  has_warned_of_sizes_ = true;
  log::warning("upstream", "the pools may grow to " + std::to_string(all) +
                               " server connections, but the database has room for " +
                               std::to_string(figures.without_refusals) + " (" + to_text(figures) +
                               "), and no more are opened: lower default_pool_size or max_db_connections");
}

void Broker::slots_full(TimePoint now) {
  const Upstream::Census census = upstream_.census();
  const std::scoped_lock lock(mutex_);
  const bool is_first = slots_.refused(now, census.connected, servers_ + 1);
  is_shrunk_ = true;
  if (!is_first) return;
  log::warning("upstream", "has no place for another connection: no more than " +
                               std::to_string(slots_.most()) + " are opened now, then one more at a time");
}

SlotBudget::Figures Broker::slots() const {
  const std::scoped_lock lock(mutex_);
  return slots_.figures();
}

void Broker::tick(TimePoint now) {
  upstream_.tick(now);
  if (!is_shrunk_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  if (!slots_.grow(now)) return;
  is_shrunk_ = false;
  log::info("upstream", "has places for connections again: as many are opened as before");
}

}  // namespace ballast
