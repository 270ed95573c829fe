// Pool: the server connections of one (database, user) on one worker, and the clients that wait for one.
// First come, first served, but under overload (WaitQueue); the server used last is used first, so that the
// others can go idle and end.
//
// Grows by as many connections as there are waiters, within its size, its reserve, the database's and the
// user's limit (Broker) and max_server_connecting. A tick of the janitor does all timeouts. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/settings.hpp"
#include "proxy/pool/broker.hpp"
#include "proxy/pool/concurrency_limit.hpp"
#include "proxy/pool/connect_failure.hpp"
#include "proxy/pool/function_table.hpp"
#include "proxy/pool/gates.hpp"
#include "proxy/pool/parameter_set.hpp"
#include "proxy/pool/pool_statistics.hpp"
#include "proxy/pool/server_connect.hpp"
#include "proxy/pool/server_connection.hpp"
#include "proxy/pool/wait_queue.hpp"

namespace ballast {

class PoolSet;

class Pool final : private ServerOwner {
 public:
  Pool(PoolSet& pools, PoolKey key);
  // The one server of a replication connection: session pooling, made with the client's own startup
  // parameters.
  Pool(PoolSet& pools, PoolKey key, StartupParameters replication);
  ~Pool();

  // Checkout and checkin
  // ---------------------------------------------------------------------------------------- An idle server,
  // leased to nobody yet; or null, and the waiter is in the queue.
  ServerConnection* checkout(Waiter& waiter);
  // The client has gone: what it has left on a server by its claim is of no use any more.
  void release_claims(std::uint64_t claimant);
  // Somebody asks for values of sequences: from now on nobody may find those of others.
  void note_sequence_reads() { reads_sequences_ = true; }
  bool reads_sequences() const { return reads_sequences_; }
  // The values of sequences that this client has on any server are not its latest any more.
  void disown_sequences(std::uint64_t owner);
  // The lease is over. Rolls back, resets (session pooling) or closes the server as its state demands, then
  // hands it to the first waiter or to the idle list.
  void checkin(ServerConnection& server);
  // The lessee leaves the server in a state that nobody should meet: close it.
  void discard(ServerConnection& server);
  // The lessee leaves a server whose login is not over; that goes on.
  void let_log_in(ServerConnection& server);

  // A client's request has been answered, so long after it went to its server.
  void note_answer(Duration server_time);
  void note_transaction(Duration time) { statistics_.transaction_time.record(time); }
  PoolStatistics& statistics() { return statistics_; }
  PoolFigures figures() const;
  std::vector<ServerFigures> server_figures() const;

  // Parameters
  // ----------------------------------------------------------------------------------------------------
  ParameterSets& parameter_sets() override { return parameter_sets_; }
  // The state of a server that nobody has changed.
  const ParameterSetRef& bare_set() const { return bare_set_; }
  const ReportedParameters& bare_parameters() const override { return bare_set_->reported; }
  const std::string& login_user() const override { return key_.user; }
  bool takes_limits_question() override;
  void on_limits(const ServerLimits& limits) override;
  // Custom settings ("app.user_id") by the names that clients have used: no catalog lists them.
  const CustomSettings& custom_settings() const override { return custom_settings_; }
  // False: it can't be asked for, or there are too many already.
  bool learn_custom_setting(std::string_view name);
  // Those that functions set; asked for once for each state of the schema, and now and then: it may change
  // behind our back.
  bool wants_setting_names() const override;
  bool learn_setting_names(const CustomSettings& names) override;
  bool has_nameless_settings() const override { return has_nameless_settings_; }
  FunctionTable& functions() { return functions_; }

  // Life
  // ------------------------------------------------------------------------------------------------------------
  void tick(TimePoint now);
  // Tries again to serve the queue: a limit of a database or a user may have room now.
  void grow();
  // Somebody is about to need a server, and there is none: makes one.
  void connect_ahead();
  // Refuses those who are too many (max_queue).
  void refuse_surplus();
  // A server that comes from another worker. `bare`: what a server of this pool reports that nobody has
  // changed.
  void adopt(ServerConnection::Birth server, const ReportedParameters& bare);
  // The least recently used idle server goes to who waits for it or for its place, if there are both.
  bool give_idle_one();
  // Closes the least recently used idle server, if there is one; one that is claimed only if all are.
  bool close_idle_one();
  bool close_unclaimed_one();
  void close_all_idle();
  // For keepalive (pool_keepalive.cpp): when the database last did something for others on a server of ours;
  // one empty query, if there is an idle server; a server that nobody waits for, if a limit does not forbid
  // it.
  TimePoint active_at(TimePoint now) const;
  bool ping_idle_one();
  // The same, for an operator who wants to know whether it is answered (Answered).
  using Answered = std::function<void(bool is_answered)>;
  bool ask_idle_one(Answered done);
  bool connect_for_keepalive();
  void configure(PoolSettings settings);
  // What an operator asks for (pool_gates.cpp). A paused pool serves nobody: its idle servers are closed, the
  // others when they come back; it makes none.
  void obey(const Gates& gates);
  // Every server that there is now is closed when it is free, and those that have begun to log in too.
  void reconnect();
  // How many of these are still there.
  int closing_count() const;
  void close_settling();
  bool is_paused() const { return is_paused_; }
  const PoolSettings& settings() const { return settings_; }
  const PoolKey& key() const { return key_; }
  bool is_empty() const {
    return servers_.empty() && connecting_.empty() && queue_.empty() && clients == 0 &&
           settings_.min_pool_size == 0;
  }

  bool is_for_replication() const { return !replication_.empty(); }

  std::size_t server_count() const { return servers_.size(); }
  std::size_t idle_count() const { return idle_.size(); }
  std::size_t waiting_count() const { return queue_.size(); }
  int clients = 0;  // sessions that belong to this pool, whatever they do

 private:
  void on_settled(ServerConnection& server, const PgError& error) override;
  void on_logged_in(ServerConnection& server, const ReportedParameters& reported) override;
  void on_login_failed(ServerConnection& server, const PgError& why, bool refused_by_server) override;
  void on_server_broken(ServerConnection& server, const PgError& why) override;
  void on_schema_changed() override;
  void on_defaults_changed() override;
  void on_unheld(ServerConnection& server) override;

  void clean(ServerConnection& server);
  bool is_outdated(const ServerConnection& server) const;
  void close_outdated();
  void give_up_connecting();
  void offer(ServerConnection& server);
  ServerConnection* take_idle(const Waiter& waiter);
  ServerConnection* take_out_of_idle(std::vector<ServerConnection*>::iterator at, const Waiter& waiter);
  static void end_claim_of_others(ServerConnection& server, const Waiter& waiter);
  bool suits(const ServerConnection& server, const Waiter& waiter) const;
  void serve_with_what_is_there();
  void add(ServerConnection::Birth birth);
  bool give_up(ServerConnection& server);
  bool give_away(ServerConnection& server);
  bool make_way(ServerConnection& server);
  void ask_others(Broker::Refusal refusal, TimePoint since);
  void stop_asking();
  TimePoint unserved_since() const;
  void close(ServerConnection& server, std::string_view why);
  std::unique_ptr<ServerConnection> take_out(ServerConnection& server);
  bool is_worn(const ServerConnection& server, TimePoint now) const;
  std::optional<Broker::Refusal> connect_one(int size);
  Broker::Refusal connect_for_waiters();
  void count(Broker::Refusal refusal);
  int allowed_size() const;
  int at_work() const;
  bool may_use_another() const;
  void start_connecting(Permit permit, Upstream::Attempt attempt);
  ServerLoginRequest login_request() const;
  void on_connected(std::uint64_t id, ServerConnect::Outcome outcome, std::shared_ptr<UserTable> users);
  ServerConnection::Birth birth_of(ServerConnect::Outcome& outcome, Permit permit, std::uint64_t id);
  // Connects that have succeeded, and failed.
  struct Connected {
    Upstream::Attempt attempt;
    ConnectFigures figures;
    bool is_tls = false;
    TimePoint login_began_at;
  };
  void note_connected(const Connected& connected, const ReportedParameters& reported);
  ConnectFailure note_failure(const PgError& why, bool refused_by_server, Upstream::Attempt attempt);
  void tell_of_failure(ConnectFailure kind);
  // Servers that are lent before their login is over (pool_early.cpp).
  struct Early {
    std::uint64_t id;  // of the server
    Connected connect;
    TimePoint deadline;
    TimePoint waiting_since;  // of who got it
    std::optional<ConnectFailure> failure = {};
  };
  bool has_rider(std::uint64_t id, TimePoint deadline);
  void lend_early(Early early, ServerConnection::Birth birth);
  std::vector<Early>::iterator find_early(const ServerConnection& server);
  std::optional<Early> take_early(const ServerConnection& server);
  void end_overdue_logins(TimePoint now);
  void tell_others(Upstream::News news);
  Waiter* next_for(const ServerConnection& server);
  void take_out_of_queue(Waiter& served);
  void refuse_all(const PgError& why);
  void refuse_overdue(TimePoint now);
  void refuse_hopeless(TimePoint now);
  void refuse_for_overload(Waiter& waiter, std::string message);
  void shed(TimePoint now);
  std::string what_is_in_the_way() const;
  std::string no_room_text() const;
  void end_overdue_servers(TimePoint now);
  void end_silent_servers(TimePoint now);
  bool tell_who_asked(const ServerConnection& server, bool is_answered);

  struct Attempt {
    std::uint64_t id;  // of the server to be
    std::unique_ptr<ServerConnect> connect;
    Permit permit;
    Upstream::Attempt at_upstream;
  };

  PoolSet& pools_;
  PoolKey key_;
  PoolSettings settings_;
  StartupParameters replication_;  // of a replication connection: what goes into the startup packet
  ParameterSets parameter_sets_;
  CustomSettings custom_settings_;
  bool has_nameless_settings_ = false;
  std::uint64_t names_epoch_ = 0;  // of the schema whose functions' settings are known
  TimePoint names_asked_at_;       // when they were asked for last
  bool reads_sequences_ = false;
  FunctionTable functions_;
  ParameterSetRef bare_set_;
  std::vector<std::unique_ptr<ServerConnection>> servers_;  // all of them
  std::vector<ServerConnection*> idle_;                     // of these, used last at the back
  std::vector<Attempt> connecting_;
  std::vector<Early> early_;
  WaitQueue queue_;
  PoolStatistics statistics_;
  std::vector<std::pair<const ServerConnection*, Answered>> asked_;  // by ask_idle_one()
  std::optional<ConcurrencyLimit> concurrency_;                      // with pool_target = latency
  bool is_in_demand_ = true;         // has a client come since a server has worn out?
  bool has_posted_surplus_ = false;  // refuse_surplus() follows
  bool is_paused_ = false;
  bool is_leaving_ = false;          // servers that nobody uses are closed
  std::uint64_t retired_up_to_ = 0;  // servers up to this id are to be replaced
  std::uint64_t last_outdated_ = 0;  // up to this id there is no such server among the idle ones
  PgError last_connect_error_;       // why the latest attempt failed; empty after a success
  std::uint64_t keepalive_id_ = 0;   // of the server that keepalive has asked for last
  TimePoint retry_at_;               // no new attempt of this pool before this
  Broker::Refusal refusal_ = Broker::Refusal::none;  // the limit that stands in the way of the waiters
  bool is_asking_ = false;                           // have others been asked for a server or its place?
};

}  // namespace ballast
