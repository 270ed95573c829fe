// PoolSet: the pools of one worker, and what they share: the world, the settings, the users, the statements,
// the budget. One thread, but for the Broker, which all workers share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "proxy/base/counters.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/broker.hpp"
#include "proxy/pool/notifications.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/statement_table.hpp"
#include "proxy/pool/user_table.hpp"

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
  // A place in a limit that several pools share has become free: all try again to serve their queues.
  void grow();
  void refuse_surplus();
  // Closes an idle server of another pool that counts against the limit which refused `key`.
  bool evict_for(const PoolKey& key, Broker::Refusal refusal);
  void close_all_idle();
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
  // When a server connection born now should end: server_lifetime less a random part.
  TimePoint expiry(TimePoint born);
  int worker() const { return worker_; }
  // Clients whose channels are listened to for them.
  std::size_t subscriber_count() const;
  const std::map<PoolKey, std::unique_ptr<Pool>>& pools() const { return pools_; }

 private:
  World& world_;
  Broker& broker_;
  std::shared_ptr<const Settings> settings_;  // shared with the other workers, never changed
  std::shared_ptr<UserTable> users_;          // shared with the server logins that were begun with it
  StatementTable statements_;
  Counters counters_;
  std::map<PoolKey, std::unique_ptr<Pool>> pools_;
  std::map<std::pair<PoolKey, std::string>, std::unique_ptr<Notifications>> notifications_;
  int worker_;  // our number at the broker
};

}  // namespace ballast
