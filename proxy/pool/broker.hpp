// Broker: the server budget of the whole process. Workers ask it before they connect, and give back by Permit.
// Thread-safe; the only lock of the program, and not on the path of a query.
#pragma once

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

 private:
  friend class Permit;
  void give_back(const PoolKey& key);

  mutable std::mutex mutex_;
  std::map<PoolKey, int> by_pool_;
  std::map<std::string, int> by_database_;
  std::map<std::string, int> by_user_;
};

}  // namespace ballast
