// PoolSet: the pools of one worker, and what they share: the world, the settings, the users, the statements,
// the budget. One thread, but for the Broker, which all workers share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/connect_times.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/base/error_counters.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/broker.hpp"
#include "proxy/pool/gates.hpp"
#include "proxy/pool/notifications.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/statement_table.hpp"
#include "proxy/pool/user_table.hpp"
#include "proxy/pool/warm_up.hpp"

namespace ballast {

class PoolSet final : public SecretSource {
 public:
  PoolSet(World& world, Broker& broker, std::shared_ptr<const Settings> settings,
          std::unique_ptr<UserTable> users);

  ~PoolSet();
  PoolSet(const PoolSet&) = delete;
  PoolSet& operator=(const PoolSet&) = delete;

  Pool& pool(const PoolKey& key);
  // For clients of this pool with this client_encoding (empty: the server's own choice).
  Notifications& notifications(const PoolKey& key, const std::string& encoding);
  // New settings for all pools; what is connected stays, within the new limits.
  void configure(std::shared_ptr<const Settings> settings, std::unique_ptr<UserTable> users);
  void tick(TimePoint now);
  // Does what Keepalive decides, if it is on.
  void keep_awake(TimePoint now, WallTime wall);
  // For an operator: one empty query on an idle server; `done` follows iff yes. A database that may sleep is
  // not asked when it is asleep, nor when nobody has asked it anything for a while: that would keep it awake.
  enum class Asked { yes, not_awake, not_while_it_rests, no_idle_server };
  enum class AskEvenIf { never, it_rests };
  Asked ask_database(AskEvenIf even_if, TimePoint now, const Pool::Answered& done);
  // Begins a connect, if there is no server; that wakes it.
  void wake_database();
  // A place in a limit that several pools share has become free: all try again to serve their queues.
  void grow();
  void refuse_surplus();
  // Closes an idle server of another pool that counts against the limit which refused `key`.
  bool evict_for(const PoolKey& key, Broker::Refusal refusal);
  void close_all_idle();
  // What an operator asks for; `database` empty: of all (pool_gates.cpp).
  void obey(Gates gates);
  const Gates& gates() const { return gates_; }
  void reconnect(std::string_view database);
  int closing_count(std::string_view database) const;
  void close_settling(std::string_view database);
  bool has_pool_of(std::string_view database) const;
  WarmUp& warm_up() { return warm_up_; }
  // Another worker waits for a server of that pool: an idle one of ours goes there, or makes room.
  void give_to_others(const PoolKey& key);

  World& world() { return world_; }
  Broker& broker() { return broker_; }
  const Settings& settings() const { return *settings_; }
  UserTable& users() { return *users_; }
  // For a login that may outlast a reload.
  std::shared_ptr<UserTable> share_users() const { return users_; }
  const UserSecret* find(std::string_view user) override { return users_->find(user); }
  StatementTable& statements() { return statements_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  ConnectTimes& connect_times() { return connect_times_; }
  const ConnectTimes& connect_times() const { return connect_times_; }
  ErrorCounters& errors() { return errors_; }
  const ErrorCounters& errors() const { return errors_; }
  // When a server connection born now should end: server_lifetime less a random part.
  TimePoint expiry(TimePoint born);
  int worker() const { return worker_; }
  // Clients whose channels are listened to for them.
  std::size_t subscriber_count() const;
  const std::map<PoolKey, std::unique_ptr<Pool>>& pools() const { return pools_; }
  // Of the connections that listen.
  std::vector<const Pool*> listening_pools() const;
  // What pools that are not there any more have served, by database.
  const std::map<std::string, ServedTotals>& departed() const { return departed_; }

 private:
  void forget_empty_pools();
  void reconnect_if(const std::function<bool(const PoolKey&)>& is_meant);

  World& world_;
  Broker& broker_;
  std::shared_ptr<const Settings> settings_;  // shared with the other workers, never changed
  std::shared_ptr<UserTable> users_;          // shared with the server logins that were begun with it
  StatementTable statements_;
  Counters counters_;
  ConnectTimes connect_times_;
  ErrorCounters errors_;
  Gates gates_;
  std::map<PoolKey, std::unique_ptr<Pool>> pools_;
  std::map<std::string, ServedTotals> departed_;
  std::map<std::pair<PoolKey, std::string>, std::unique_ptr<Notifications>> notifications_;
  WarmUp warm_up_{*this};
  int worker_;  // our number at the broker
};

}  // namespace ballast
