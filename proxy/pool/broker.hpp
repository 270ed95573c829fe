// Broker: the server budget of the whole process. Workers ask it before they connect, and give back by
// Permit. Thread-safe; its lock is not on the path of a query.
//
// Nobody starves, however short of places the pools are, by two rules that go by how long a pool's first
// client without a server in the making has waited:
// - A free place in a limit that pools share is for the one that has waited longest. ask() leaves one for
//   each hungry pool that is ahead of who asks; filling up to min_pool_size comes behind all clients. Who
//   needs a place in two limits has the first kept while the second is full.
// - Who has a place that another pool waits for gives it up at its server's next return: at once if it has
//   no client of its own, else when the other has waited longer by a patience that is worth a new connection,
//   and the server has served long enough to be worth the connect that it took.
// So the pool that has waited longest gets the next place that comes back in each limit, and each becomes the
// one that has waited longest in its turn. With fair_by it is the pool with the fewest servers, and among
// equals the one that has waited longest. Hungry is only who was refused at its last attempt and would make
// another: a client that has left, or a pool that pauses after a failed connect, keeps no place from others
// for longer than a tick.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/settings.hpp"
#include "proxy/pool/keepalive.hpp"
#include "proxy/pool/login_memory.hpp"
#include "proxy/pool/permit.hpp"
#include "proxy/pool/pool_key.hpp"
#include "proxy/pool/server_connection.hpp"
#include "proxy/pool/slot_budget.hpp"
#include "proxy/pool/upstream.hpp"

namespace ballast {

class Pool;
class PoolSet;

class Broker {
 public:
  // The last one is the database's own, as SlotBudget knows it.
  enum class Refusal { none, pool_size, max_db_connections, max_user_connections, max_connections };
  struct Answer {
    Permit permit;                    // empty: refused
    Refusal refusal = Refusal::none;  // which limit it was
  };

  // A pool, and since when its clients wait; by default no client does, and all that wait come first.
  struct Turn {
    const Pool* pool = nullptr;
    TimePoint since = TimePoint::max();
  };

  // `size`: how many servers the pool may have now; its reserve counted in if the caller may use it.
  Answer ask(const PoolKey& key, const PoolSettings& settings, int size, Turn turn);
  int servers(const PoolKey& key) const;
  // Connected and connecting, over all pools of the database; empty: of all.
  int servers_of_database(const std::string& database) const;

  // Unless it is `none`, users have equal shares of what they share; the same for all workers.
  void configure(FairBy fair_by) { fair_by_.store(fair_by, std::memory_order_relaxed); }
  // The database's own limit. The first server that is leased asks for it, in front of what its client asks,
  // so that nobody waits for that; and again when the database has slept or been away.
  void doubt_limits();
  void forget_limits();
  // True: whoever calls asks. learn_limits() follows, if there is an answer.
  bool takes_limits_question(TimePoint now);
  void learn_limits(const ServerLimits& limits);
  // A login was refused for want of a place.
  void slots_full(TimePoint now);
  SlotBudget::Figures slots() const;
  // Each worker's, at each tick.
  void tick(TimePoint now);

  Upstream& upstream() { return upstream_; }
  Keepalive& keepalive() { return keepalive_; }
  LoginMemory& logins() { return logins_; }
  // All pools of all workers try again to serve their queues.
  void grow_all();
  std::uint64_t next_server_id() { return ++last_server_id_; }
  std::uint64_t last_server_id() const { return last_server_id_.load(); }

  // Between pools and workers

  // A worker's pools join, and leave before they end. The result is the worker's number here.
  int enroll(Loop& loop, PoolSet& pools);
  void leave(int worker);
  // The pool has waiters, and a limit stands in its way: those who have what it needs are asked to give.
  void want(int worker, const PoolKey& key, Turn turn, Refusal refusal);
  void unwant(const Pool& pool);
  bool is_anyone_hungry() const { return hungry_count_.load(std::memory_order_relaxed) > 0; }
  // The other worker that has waited longest for a server of this pool, if since before `before`. It counts
  // as served.
  std::optional<int> hungriest(int except, const PoolKey& key, TimePoint before);
  // Whether the pool should close a server, because another has waited for a place like its since before
  // `turn.since`. That one counts as served, until it is refused again.
  bool is_place_wanted(const PoolKey& key, Turn turn);
  // A server on its way to another worker; in its state, whose values are those in `parameters`.
  void send(int worker, const PoolKey& key, ServerConnection::Birth server, ReportedParameters bare);

  // Counts the changes of the schema that have gone through Ballast: a statement that was parsed before the
  // last one may mean something else to a client that parses it now.
  std::uint64_t schema_epoch() const { return schema_epoch_.load(std::memory_order_relaxed); }
  void schema_changed() { schema_epoch_.fetch_add(1, std::memory_order_relaxed); }
  // What a session begins with has changed: servers with an id up to this one were born with something else.
  std::uint64_t last_outdated() const { return last_outdated_.load(std::memory_order_relaxed); }
  void defaults_changed() { last_outdated_ = last_server_id_.load(); }

 private:
  friend class Permit;
  // A pool that a limit stands in the way of.
  struct Hungry {
    const Pool* pool;
    int worker;
    PoolKey key;
    TimePoint since;
    Refusal refusal;
    bool is_answered = false;  // has room been made for it since it was refused?
  };
  bool is_ahead(const Hungry& hungry, const PoolKey& key, const Turn& turn) const;
  bool would_come_back(const Hungry& hungry, const PoolKey& key, const Turn& turn) const;
  int servers_of(const PoolKey& key) const;
  void take_place(const PoolKey& key, const PoolSettings& settings);
  void give_back(const PoolKey& key);
  int ahead_of(const Turn& turn, Refusal limit, const PoolKey& key) const;
  void count_hungry();
  void warn_of_sizes();

  std::atomic<std::uint64_t> schema_epoch_{1};
  Upstream upstream_;
  Keepalive keepalive_;
  LoginMemory logins_;
  std::atomic<std::uint64_t> last_server_id_{0};
  std::atomic<std::uint64_t> last_outdated_{0};
  std::atomic<FairBy> fair_by_{FairBy::none};
  std::atomic<int> hungry_count_{0};  // of hungry_, those that are not answered
  mutable std::mutex mutex_;
  // A pool that has servers.
  struct Share {
    int servers = 0;
    int size = 0;  // what it may have by its settings
    int database_max = SlotBudget::unlimited;
  };
  std::map<PoolKey, Share> by_pool_;
  std::map<std::string, int> by_database_;
  std::map<std::string, int> by_user_;
  struct Member {
    Loop* loop;  // null: it has left
    PoolSet* pools;
  };
  std::vector<Member> members_;
  std::vector<Hungry> hungry_;  // one for a pool
  int servers_ = 0;             // of all pools
  SlotBudget slots_;
  std::atomic<bool> is_shrunk_{false};     // slots_, since a login was refused
  std::atomic<bool> knows_limits_{false};  // is there no question to be asked?
  bool has_warned_of_sizes_ = false;
};

// Whether servers of these two pools count together against that limit.
bool share_limit(Broker::Refusal limit, const PoolKey& one, const PoolKey& other);

}  // namespace ballast
