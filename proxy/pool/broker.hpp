// Broker: the server budget of the whole process. Workers ask it before they connect, and give back by
// Permit. Thread-safe; its lock is not on the path of a query.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/settings.hpp"
#include "proxy/pool/permit.hpp"
#include "proxy/pool/pool_key.hpp"
#include "proxy/pool/server_connection.hpp"

namespace ballast {

class PoolSet;

class Broker {
 public:
  enum class Refusal { none, pool_size, max_db_connections, max_user_connections };
  struct Answer {
    Permit permit;                    // empty: refused
    Refusal refusal = Refusal::none;  // which limit it was
  };

  // `size`: how many servers the pool may have now; its reserve counted in if the caller may use it.
  Answer ask(const PoolKey& key, const PoolSettings& settings, int size);
  int servers(const PoolKey& key) const;

  // Server logins under way, over all pools and workers: false at `limit`.
  bool begin_connecting(int limit);
  void end_connecting(int count) { connecting_ -= count; }
  std::uint64_t next_server_id() { return ++last_server_id_; }

  // Between workers
  // --------------------------------------------------------------------------------------------- A worker's
  // pools join, and leave before they end. The result is the worker's number here.
  int enroll(Loop& loop, PoolSet& pools);
  void leave(int worker);
  // The pool of that worker has waiters since then, and a limit stands in its way: others are asked to give.
  void want(int worker, const PoolKey& key, TimePoint since, Refusal refusal);
  void unwant(int worker, const PoolKey& key);
  bool is_anyone_hungry() const { return hungry_count_.load(std::memory_order_relaxed) > 0; }
  // The other worker that has waited longest for a server of this pool, if since before `before`. It counts
  // as served.
  std::optional<int> hungriest(int except, const PoolKey& key, TimePoint before);
  // A server on its way to another worker; in its state, whose values are those in `parameters`.
  void send(int worker, const PoolKey& key, ServerConnection::Birth server, ReportedParameters bare);

  // Counts the changes of the schema that have gone through Ballast: a statement that was parsed before the
  // last one may mean something else to a client that parses it now.
  std::uint64_t schema_epoch() const { return schema_epoch_.load(std::memory_order_relaxed); }
  void schema_changed() { schema_epoch_.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class Permit;
  void give_back(const PoolKey& key);

  std::atomic<std::uint64_t> schema_epoch_{1};
  std::atomic<int> connecting_{0};
  std::atomic<std::uint64_t> last_server_id_{0};
  std::atomic<int> hungry_count_{0};
  mutable std::mutex mutex_;
  std::map<PoolKey, int> by_pool_;
  std::map<std::string, int> by_database_;
  std::map<std::string, int> by_user_;
  struct Member {
    Loop* loop;  // null: it has left
    PoolSet* pools;
  };
  struct Hungry {
    int worker;
    TimePoint since;
  };
  std::vector<Member> members_;
  std::map<PoolKey, std::vector<Hungry>> hungry_;
};

}  // namespace ballast
