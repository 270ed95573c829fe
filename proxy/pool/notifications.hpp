// Notifications: one server connection that listens for all clients of a (database, user, encoding) on one
// worker, whatever their number. Made with the first subscription, closed some time after the last.
//
//   subscribe(subscriber, channels)       then Subscriber::on_listening(), once the server has registered
//   subscribe(key, channels)              others instead
//   unsubscribe(key)
//
// It needs a place in the database's and the user's limits like any server, but none of the pool's size. When
// the connection is lost, it is made again, at most one each server_login_retry, and listens to all again.
// What has been missed meanwhile nobody knows: subscribers are told. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/pool/channels.hpp"
#include "proxy/pool/lessee.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/waiter.hpp"

namespace ballast {

class PoolSet;

// May unsubscribe from within any of these calls.
class Subscriber {
 public:
  // All its channels are registered: for the first time, after a change of them, or again.
  virtual void on_listening() = 0;
  // One whole NotificationResponse of its channels.
  virtual void on_shared_notification(std::string_view message) = 0;
  // One of its own marks.
  virtual void on_shared_mark(std::uint64_t number) = 0;
  // No more at the moment: write out what is gathered.
  virtual void on_notifications_end() = 0;
  // The connection is lost; on_listening() says when there is another.
  virtual void on_deaf() = 0;

 protected:
  ~Subscriber() = default;
};

class Notifications final : private Lessee, private Waiter {
 public:
  using Key = std::uint64_t;  // of a subscription

  // `encoding`: client_encoding of those who listen here; empty: the server's own choice.
  Notifications(PoolSet& pools, const PoolKey& key, std::string encoding);
  ~Notifications();

  Key subscribe(Subscriber& subscriber, Channels channels);
  void change(Key key, Channels channels);
  void unsubscribe(Key key);
  bool is_listening_for(Key key) const;
  bool is_listening() const { return is_ready_; }

  // Where its marks are set; nobody else's name.
  const std::string& mark_channel() const { return mark_channel_; }
  // The subscriber's mark has been heard on another connection, and should have come here too by now.
  void miss_mark(Key key);

  void tick(TimePoint now);
  void configure();
  // A pause or a reconnect ends the connection; subscribers are deaf until there is another.
  void obey(const Gates& gates);
  void reconnect();
  // Nobody listens; the connection, if there is one, is closed.
  void close();
  bool is_empty() const { return entries_.empty() && server_ == nullptr && !is_waiting(); }
  std::size_t subscriber_count() const { return entries_.size(); }
  const Pool& pool() const { return pool_; }

 private:
  struct Entry {
    Subscriber* subscriber;
    Channels channels;
    bool is_told = false;  // that the server has registered its channels
    TimePoint missing_since = TimePoint::max();
  };
  struct Channel {
    std::vector<Key> keys;
    bool is_registered = false;
  };

  void connect();
  void let_go(std::string why);
  void add(Key key, const Channels& channels);
  void remove(Key key, const Channels& channels);
  bool is_registered(const Channels& channels) const;
  void listen();
  void tell_ready();
  void dispatch(const Notification& notification, std::string_view message);
  void touch(Key key);
  bool misses_marks(TimePoint now) const;

  // Lessee
  Heard on_notification(std::string_view message) override;
  void on_listened() override;
  void on_answers_end() override;
  void on_server_lost(const PgError& why) override;
  void on_answer(std::string_view) override {}
  std::string statement_name(const Request&) const override { return {}; }
  void on_error(std::string_view, std::string_view) override {}
  void on_parameters_changed() override {}
  void on_parameters_refused(const PgError& why) override;
  void on_transaction_end() override {}
  void on_audited() override {}
  void on_schema_changed() override {}
  void on_request_answered(const Request&) override {}
  void on_request_discarded(const Request&) override {}
  void on_statements_dropped() override {}
  bool congested() const override { return false; }
  void on_server_drained() override {}
  // Waiter
  void on_granted(ServerConnection& server) override;
  void on_refused(const PgError& why) override;

  PoolSet& pools_;
  std::string encoding_;
  std::string mark_channel_;
  Pool pool_;  // of the one connection
  ServerConnection* server_ = nullptr;
  std::unordered_map<Key, Entry> entries_;
  std::unordered_map<std::string, Channel> channels_;
  Channels wanted_;           // not asked for yet
  Channels asked_;            // by the LISTEN under way
  bool is_asking_ = false;    // is one under way?
  bool is_ready_ = false;     // has the present connection's first LISTEN been answered?
  std::vector<Key> touched_;  // by the present read
  TimePoint retry_at_;
  TimePoint deserted_at_;  // when the last has left
};

}  // namespace ballast
