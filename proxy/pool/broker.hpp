// Broker: the server budget of the whole process. Workers ask it before they connect, and give back by Permit.
// Thread-safe; its lock is not on the path of a query.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "proxy/base/settings.hpp"
#include "proxy/pool/permit.hpp"
#include "proxy/pool/pool_key.hpp"

namespace ballast {

class Broker {
 public:
  enum class Refusal { none, pool_size, max_db_connections, max_user_connections };
  struct Answer {
    Permit permit;                      // empty: refused
    Refusal refusal = Refusal::none;    // which limit it was
  };

  // `size`: how many servers the pool may have now; its reserve counted in if the caller may use it.
  Answer ask(const PoolKey& key, const PoolSettings& settings, int size);
  int servers(const PoolKey& key) const;

  // Counts the changes of the schema that have gone through Ballast: a statement that was parsed before the last
  // one may mean something else to a client that parses it now.
  std::uint64_t schema_epoch() const { return schema_epoch_.load(std::memory_order_relaxed); }
  void schema_changed() { schema_epoch_.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class Permit;
  void give_back(const PoolKey& key);

  std::atomic<std::uint64_t> schema_epoch_{1};
  mutable std::mutex mutex_;
  std::map<PoolKey, int> by_pool_;
  std::map<std::string, int> by_database_;
  std::map<std::string, int> by_user_;
};

}  // namespace ballast
