#include "proxy/pool/pool.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

// Names that an audit asks for; a client that uses one more keeps its server.
constexpr std::size_t custom_settings_max = 200;
// Functions may be changed by others than our clients.
constexpr std::chrono::minutes names_kept{1};
// A process that leaves has clients still, but keeps no server from the one that comes.
constexpr std::chrono::seconds leaving_rest{1};

}  // namespace

Pool::Pool(PoolSet& pools, PoolKey key)
    : pools_(pools), key_(std::move(key)), bare_set_(parameter_sets_.intern({})) {
  configure(pools.settings().pool_settings(key_.database, key_.user));
  obey(pools.gates());
}

Pool::Pool(PoolSet& pools, PoolKey key, StartupParameters replication) : Pool(pools, std::move(key)) {
  replication_ = std::move(replication);
  settings_.pool_mode = PoolMode::session;
  settings_.min_pool_size = 0;
}

void Pool::configure(PoolSettings settings) {
  settings_ = std::move(settings);
  const Settings& global = pools_.settings();
  queue_.configure({global.queue_target, global.max_queue, global.fair_by});
  if (global.pool_target == PoolTarget::size) {
    concurrency_.reset();
  } else if (!concurrency_) {
    concurrency_.emplace();
  }
}

Pool::~Pool() {
  stop_asking();
  Upstream& upstream = pools_.broker().upstream();
  for (const Attempt& attempt : connecting_) upstream.given_up(attempt.at_upstream);
  for (const Early& each : early_) upstream.given_up(each.connect.attempt);
  for (std::size_t i = early_.size(); i < servers_.size(); ++i) upstream.disconnected(Upstream::End::ours);
}

ServerConnection* Pool::checkout(Waiter& waiter) {
  assert(!waiter.is_waiting());
  is_in_demand_ = true;
  close_outdated();
  // Passes nobody: what is idle while others wait does not suit them, and they will get new ones.
  const bool may_use = may_use_another();
  if (ServerConnection* const server = may_use ? take_idle(waiter) : nullptr) {
    statistics_.wait_time.record(Duration{});
    return server;
  }
  queue_.push(waiter, pools_.world().loop.now());
  const Broker::Refusal limit = connect_for_waiters();
  const auto is_served = [this] { return queue_.size() <= connecting_.size(); };
  if (!is_served() && waiter.wants_fresh() && connecting_.empty()) close_unclaimed_one();
  if (is_served() || idle_.empty() || !may_use) {
    count(limit);
    // Not from here: it might be this one, which does not know yet that it waits.
    if (queue_.surplus() != nullptr && !std::exchange(has_posted_surplus_, true)) {
      pools_.world().loop.post([pools = &pools_] { pools->refuse_surplus(); });
    }
    return nullptr;
  }
  // No other will be made: one that somebody would like to find again must do.
  take_out_of_queue(waiter);
  stop_asking();
  return take_out_of_idle(idle_.begin(), waiter);
}

void Pool::checkin(ServerConnection& server) {
  server.unlease();
  if (server.broken() || server.retired() || is_for_replication()) return close(server, "not reusable");
  if (server.is_busy_with_own_only()) {
    server.become(ServerConnection::State::settling);
    return server.flush();
  }
  if (!server.pipeline().at_rest()) return close(server, "not reusable");
  if (server.is_held()) return server.become(ServerConnection::State::held);
  if (server.pipeline().status() != TransactionStatus::idle) {
    server.become(ServerConnection::State::settling);
    server.roll_back();
    return server.flush();
  }
  const bool is_kept_clean =
      settings_.pool_mode != PoolMode::session && settings_.session_fidelity == SessionFidelity::full;
  if (is_kept_clean && !server.residue().is_clean()) return clean(server);
  const std::string& reset = pools_.settings().server_reset_query;
  if (settings_.pool_mode == PoolMode::session && !reset.empty() && server.is_used()) {
    server.become(ServerConnection::State::settling);
    server.reset(reset, bare_set_);
    return server.flush();
  }
  offer(server);
}

// What its client has left behind goes before anybody else gets it.
void Pool::clean(ServerConnection& server) {
  if (server.residue().is_indelible()) return close(server, "has state that can't be reset");
  ++pools_.counters().servers_reset;
  server.become(ServerConnection::State::settling);
  server.reset("DISCARD ALL", bare_set_);
  server.flush();
}

void Pool::on_settled(ServerConnection& server, const PgError& error) {
  tell_who_asked(server, error.message.empty());
  if (!error.message.empty()) return close(server, "reset failed: " + error.message);
  checkin(server);
}

bool Pool::learn_custom_setting(std::string_view name) {
  if (custom_settings_.contains(name)) return true;
  if (custom_settings_.size() >= custom_settings_max || !is_custom_setting(name)) return false;
  custom_settings_.emplace(name);
  return true;
}

bool Pool::wants_setting_names() const {
  return names_epoch_ != pools_.broker().schema_epoch() ||
         pools_.world().loop.now() - names_asked_at_ >= names_kept;
}

bool Pool::learn_setting_names(const CustomSettings& names) {
  names_epoch_ = pools_.broker().schema_epoch();
  names_asked_at_ = pools_.world().loop.now();
  const std::size_t known = custom_settings_.size();
  bool are_learnt = true;
  for (const std::string& name : names) are_learnt = learn_custom_setting(name) && are_learnt;
  if (!are_learnt && !has_nameless_settings_) {
    log::warning("pool " + key_.user + "@" + key_.database,
                 "functions set more custom settings than the " + std::to_string(custom_settings_max) +
                     " that can be asked for: clients that call functions keep their servers");
  }
  has_nameless_settings_ = !are_learnt;
  return custom_settings_.size() > known;
}

void Pool::on_schema_changed() { pools_.broker().schema_changed(); }

void Pool::on_defaults_changed() {
  pools_.broker().defaults_changed();
  close_outdated();
}

// One that is claimed knows of its client what no other does, and serves nobody who has just logged in.
bool Pool::is_outdated(const ServerConnection& server) const {
  return server.claimant() == 0 && server.id() <= pools_.broker().last_outdated();
}

// Who logs in from now on gets what a login gives now. Leased ones end when they come back.
void Pool::close_outdated() {
  const std::uint64_t last = pools_.broker().last_outdated();
  if (std::exchange(last_outdated_, last) == last) return;
  const std::vector<ServerConnection*> idle = idle_;
  for (ServerConnection* const server : idle) {
    if (is_outdated(*server)) close(*server, "its role's or database's defaults have changed");
  }
}

void Pool::on_unheld(ServerConnection& server) {
  if (server.state() == ServerConnection::State::held) checkin(server);
}

void Pool::discard(ServerConnection& server) {
  server.unlease();
  if (server.is_held()) {
    server.retire();
    return server.become(ServerConnection::State::held);
  }
  // No Terminate: the server might take it for the rest of a message that the client has not finished.
  server.hang_up();
  close(server, "client left in the middle of a request");
}

// To the waiter whose turn it is and whom it suits, else to the idle list.
void Pool::offer(ServerConnection& server) {
  if (is_worn(server, pools_.world().loop.now())) return close(server, "server_lifetime");
  if (is_paused_) return close(server, "its database is paused");
  if (pools_.broker().is_anyone_hungry() && give_up(server)) return;
  if (!queue_.empty()) shed(pools_.world().loop.now());
  if (Waiter* const next = may_use_another() ? next_for(server) : nullptr) {
    take_out_of_queue(*next);
    end_claim_of_others(server, *next);
    return next->on_granted(server);
  }
  server.become(ServerConnection::State::idle);
  idle_.push_back(&server);
}

bool Pool::is_worn(const ServerConnection& server, TimePoint now) const {
  return server.retired() || now >= server.expires() || is_outdated(server) ||
         server.id() <= retired_up_to_ ||
         static_cast<int>(servers_.size()) > settings_.pool_size + settings_.reserve_pool_size;
}

void Pool::end_overdue_servers(TimePoint now) {
  const Settings& settings = pools_.settings();
  const std::vector<ServerConnection*> idle = idle_;  // least recently used first
  for (ServerConnection* const server : idle) {
    if (is_worn(*server, now)) {
      ++pools_.counters().server_lifetimes;
      is_in_demand_ = false;
      close(*server, "server_lifetime");
    } else if (is_leaving_ && now - server->since() >= leaving_rest) {
      close(*server, "the process leaves");
    } else if (settings.server_idle_timeout.count() > 0 &&
               now - server->since() >= settings.server_idle_timeout &&
               static_cast<int>(servers_.size()) > settings_.min_pool_size) {
      ++pools_.counters().server_idle_timeouts;
      close(*server, "server_idle_timeout");
    }
  }
  std::vector<ServerConnection*> stuck;
  for (const auto& server : servers_) {
    const bool is_ours = server->state() == ServerConnection::State::settling;
    if (is_ours && now - server->since() >= settings.server_connect_timeout) stuck.push_back(server.get());
  }
  for (ServerConnection* const server : stuck) close(*server, "reset timed out (server_connect_timeout)");
  end_silent_servers(now);
}

// After a rest a server may be gone without a word (a suspended compute, a forgotten NAT entry); then so are
// those that have rested as long.
void Pool::end_silent_servers(TimePoint now) {
  const Settings& settings = pools_.settings();
  if (settings.server_check_timeout.count() == 0) return;
  std::vector<ServerConnection*> silent;
  for (const auto& server : servers_) {
    if (server->is_probing() && now - server->since() >= settings.server_check_timeout)
      silent.push_back(server.get());
  }
  if (silent.empty()) return;
  const std::vector<ServerConnection*> idle = idle_;
  for (ServerConnection* const server : idle) {
    if (now - server->since() >= settings.server_check_delay)
      close(*server, "has rested as long as one that is gone");
  }
  for (ServerConnection* const server : silent) {
    ++pools_.counters().server_check_timeouts;
    server->fail_probe();
  }
}

void Pool::tick(TimePoint now) {
  obey(pools_.gates());
  std::vector<ServerConnect*> late;
  for (const Attempt& attempt : connecting_) {
    if (now >= attempt.connect->deadline()) late.push_back(attempt.connect.get());
  }
  for (ServerConnect* const attempt : late) {
    ++pools_.counters().server_connect_timeouts;
    attempt->time_out();
  }
  end_overdue_logins(now);
  refuse_overdue(now);
  shed(now);
  refuse_hopeless(now);
  end_overdue_servers(now);
  parameter_sets_.sweep();
  if (pools_.broker().is_anyone_hungry()) give_idle_one();
  grow();
  serve_with_what_is_there();
  const int there = static_cast<int>(servers_.size() + connecting_.size());
  // To replace one that has worn out would put off the database's sleep, each time, if nobody asked for it.
  const bool is_worth_it = is_in_demand_ || !pools_.settings().may_sleep();
  const bool may_fill =
      !is_leaving_ && is_worth_it && now >= retry_at_ && pools_.broker().upstream().may_be_filled();
  for (int missing = settings_.min_pool_size - there; missing > 0 && may_fill; --missing) {
    if (connect_one(settings_.pool_size) != Broker::Refusal::none) break;
  }
}

bool Pool::close_unclaimed_one() {
  const auto unclaimed = std::find_if(idle_.begin(), idle_.end(),
                                      [](const ServerConnection* server) { return server->claimant() == 0; });
  if (unclaimed == idle_.end()) return false;
  close(**unclaimed, "made room for another");
  return true;
}

bool Pool::close_idle_one() {
  if (close_unclaimed_one()) return true;
  if (idle_.empty()) return false;
  close(*idle_.front(), "made room for another");
  return true;
}

void Pool::close_all_idle() {
  while (close_idle_one()) {
  }
}

void Pool::close(ServerConnection& server, std::string_view why) {
  if (log::enabled(log::Level::debug)) log::debug(server.name(), "closing: " + std::string(why));
  ++pools_.counters().servers_closed;
  server.say_goodbye();
  server.permit() = {};
  const auto early = take_early(server);
  if (early) {
    tell_others(pools_.broker().upstream().given_up(early->connect.attempt));
  } else {
    pools_.broker().upstream().disconnected(Upstream::End::ours);
  }
  pools_.world().loop.bury(take_out(server));
  grow();
}

void Pool::on_server_broken(ServerConnection& server, const PgError& why) {
  if (const auto early = take_early(server)) {
    pools_.world().loop.bury(take_out(server));
    return early->failure ? tell_of_failure(*early->failure) : grow();
  }
  ++pools_.counters().servers_broken;
  log::info(server.name(), "server connection ended: " + why.message);
  server.permit() = {};
  const bool was_asked = tell_who_asked(server, false);
  if (server.is_pinged() && !was_asked) pools_.broker().keepalive().missed();
  const bool was_idle = server.pipeline().at_rest() && server.pipeline().status() == TransactionStatus::idle;
  const bool has_slept = was_idle && pools_.settings().may_sleep();
  pools_.broker().upstream().disconnected(has_slept ? Upstream::End::slept : Upstream::End::ours);
  pools_.world().loop.bury(take_out(server));
  grow();
}

std::unique_ptr<ServerConnection> Pool::take_out(ServerConnection& server) {
  std::erase(idle_, &server);
  const auto at = std::find_if(servers_.begin(), servers_.end(),
                               [&server](const auto& other) { return other.get() == &server; });
  assert(at != servers_.end());
  std::unique_ptr<ServerConnection> taken = std::move(*at);
  servers_.erase(at);
  return taken;
}

}  // namespace ballast
