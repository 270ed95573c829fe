// Where a pool's servers come from: new connections within the limits, and other workers.
#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

// In the order of ConnectFailure.
constexpr std::array failure_counters{&Counters::connect_failures_passing,
                                      &Counters::connect_failures_crowded, &Counters::connect_failures_full,
                                      &Counters::connect_failures_refused,
                                      &Counters::connect_failures_rejected};

// How much longer than ours another worker's client must have waited to get a server of ours.
constexpr std::chrono::milliseconds patience_between_workers{5};
// And how much longer another pool's must have waited for the place of one of ours that our clients wait for
// too: a new connection is made there, which should serve a while before it goes back.
constexpr std::chrono::milliseconds patience_between_pools{100};
// That is ten times as long as the connect took, so that at most an eleventh of the time goes into connects,
// whatever they cost; but a wake is not paid for again.
constexpr int service_per_connect = 10;
constexpr std::chrono::seconds pays_off_at_last{2};

}  // namespace

void Pool::grow() { connect_for_waiters(); }

// Up to the limit that it tells, if there is one in the way.
Broker::Refusal Pool::connect_for_waiters() {
  const std::size_t waiting = may_use_another() ? queue_.size() : 0;
  if (waiting <= connecting_.size()) {
    stop_asking();
    return Broker::Refusal::none;
  }
  if (pools_.world().loop.now() < retry_at_) return Broker::Refusal::none;
  for (std::size_t missing = waiting - connecting_.size(); missing > 0; --missing) {
    const auto refusal = connect_one(allowed_size());
    if (refusal != Broker::Refusal::none) return refusal.value_or(Broker::Refusal::none);
  }
  return Broker::Refusal::none;
}

// A client has to wait for that.
void Pool::count(Broker::Refusal refusal) {
  Counters& counters = pools_.counters();
  switch (refusal) {
    case Broker::Refusal::none:
      return;
    case Broker::Refusal::pool_size:
      ++counters.refused_pool_size;
      return;
    case Broker::Refusal::max_db_connections:
      ++counters.refused_db_connections;
      return;
    case Broker::Refusal::max_user_connections:
      ++counters.refused_user_connections;
      return;
    case Broker::Refusal::max_connections:
      ++counters.refused_max_connections;
      return;
  }
}

void Pool::connect_ahead() {
  const bool is_time = pools_.world().loop.now() >= retry_at_;
  if (servers_.empty() && connecting_.empty() && is_time) connect_one(settings_.pool_size);
}

// Those that have something to do: a client that thinks within its transaction is no load.
int Pool::at_work() const {
  return static_cast<int>(std::count_if(servers_.begin(), servers_.end(),
                                        [](const auto& server) { return !server->pipeline().at_rest(); }));
}

// What is idle while others wait is used again when one comes back, or at the next tick.
bool Pool::may_use_another() const {
  if (is_paused_) return false;
  return !concurrency_ || at_work() < concurrency_->value(settings_.pool_size + settings_.reserve_pool_size);
}

void Pool::note_answer(Duration server_time) {
  statistics_.request_time.record(server_time);
  if (!concurrency_) return;
  const int most = settings_.pool_size + settings_.reserve_pool_size;
  concurrency_->sample(pools_.world().loop.now(), server_time, {at_work() + 1, most, queue_.size()});
}

// The reserve opens when the first waiter has waited for reserve_pool_timeout.
int Pool::allowed_size() const {
  if (settings_.reserve_pool_size == 0 || queue_.empty()) return settings_.pool_size;
  const Duration waited = pools_.world().loop.now() - queue_.oldest().waiting_since();
  if (waited < pools_.settings().reserve_pool_timeout) return settings_.pool_size;
  return settings_.pool_size + settings_.reserve_pool_size;
}

// Since when the first waits for whom no server is in the making.
TimePoint Pool::unserved_since() const {
  if (queue_.size() <= connecting_.size()) return TimePoint::max();
  return queue_.oldest_but(connecting_.size()).waiting_since();
}

// The limit that forbids it; nothing: it can't be now for another reason.
std::optional<Broker::Refusal> Pool::connect_one(int size) {
  if (is_paused_) return {};
  Upstream& upstream = pools_.broker().upstream();
  const auto attempt =
      upstream.begin_connecting(pools_.world().loop.now(), pools_.settings().max_server_connecting);
  if (!attempt) return {};
  const Broker::Turn turn{this, unserved_since()};
  Broker::Answer answer = pools_.broker().ask(key_, settings_, size, turn);
  const bool is_shared_limit = share_limit(answer.refusal, key_, key_);
  // For a client that waits, not to fill up to min_pool_size: two pools would rob each other for ever.
  const bool is_for_client = turn.since < TimePoint::max();
  if (is_shared_limit && is_for_client && pools_.evict_for(key_, answer.refusal)) {
    answer = pools_.broker().ask(key_, settings_, size, turn);
  }
  refusal_ = answer.refusal;
  if (!answer.permit) {
    upstream.given_up(*attempt);
    if (is_for_client) ask_others(answer.refusal, turn.since);
    return answer.refusal;
  }
  stop_asking();
  if (size > settings_.pool_size && pools_.broker().servers(key_) > settings_.pool_size)
    ++pools_.counters().reserve_used;
  start_connecting(std::move(answer.permit), *attempt);
  return Broker::Refusal::none;
}

ServerLoginRequest Pool::login_request() const {
  const UpstreamTarget& target = pools_.settings().upstream;
  const UserTable::ServerCredentials credentials = pools_.users().server_credentials(key_.user);
  ServerLoginRequest login;
  login.user = key_.user;
  login.password = credentials.password;
  login.md5 = credentials.md5;
  login.keys = credentials.keys;
  login.parameters = {{"user", key_.user}, {"database", settings_.dbname}};
  if (is_for_replication()) {
    login.parameters.insert(login.parameters.end(), replication_.begin(), replication_.end());
    return login;
  }
  if (!target.options.empty()) login.parameters.emplace_back("options", target.options);
  if (!target.application_name.empty())
    login.parameters.emplace_back("application_name", target.application_name);
  if (!target.client_encoding.empty())
    login.parameters.emplace_back("client_encoding", target.client_encoding);
  return login;
}

void Pool::start_connecting(Permit permit, Upstream::Attempt attempt) {
  const Settings& settings = pools_.settings();
  const UpstreamTarget& target = settings.upstream;
  Duration limit = settings.server_connect_timeout;
  if (target.connect_timeout.count() > 0) limit = std::min<Duration>(limit, target.connect_timeout);
  const std::uint64_t id = pools_.broker().next_server_id();
  const TimePoint deadline = pools_.world().loop.now() + limit;
  connecting_.push_back({id, nullptr, std::move(permit), attempt});
  connecting_.back().connect = std::make_unique<ServerConnect>(
      pools_.world(), target, login_request(), pools_.users().key_cache(key_.user), deadline,
      [this, id, users = pools_.share_users()](ServerConnect::Outcome outcome) {
        on_connected(id, std::move(outcome), users);
      },
      [this, id, deadline] { return has_rider(id, deadline); });
}

void Pool::on_connected(std::uint64_t id, ServerConnect::Outcome outcome, std::shared_ptr<UserTable> users) {
  const auto at = std::find_if(connecting_.begin(), connecting_.end(),
                               [id](const Attempt& other) { return other.id == id; });
  assert(at != connecting_.end());
  Permit permit = std::move(at->permit);
  const Upstream::Attempt attempt = at->at_upstream;
  const TimePoint deadline = at->connect->deadline();
  pools_.world().loop.bury(std::move(at->connect));
  connecting_.erase(at);
  if (!outcome.stream) {
    permit = {};
    if (id > retired_up_to_) {
      return tell_of_failure(note_failure(outcome.error, outcome.refused_by_server, attempt));
    }
    // Begun with a password or for a host that have changed since: it says nothing.
    tell_others(pools_.broker().upstream().given_up(attempt));
    return grow();
  }
  const Connected connected{attempt, outcome.figures, outcome.stream->is_tls(), outcome.login_began_at};
  ServerConnection::Birth birth = birth_of(outcome, std::move(permit), id);
  if (outcome.login) {
    birth.login = {std::move(users), std::move(outcome.login)};
    birth.unsent = std::move(outcome.unsent);
    birth.reported = bare_set_->reported;
    return lend_early({id, connected, deadline, {}}, std::move(birth));
  }
  note_connected(connected, birth.reported);
  if (id == keepalive_id_) {
    pools_.broker().keepalive().connected(birth.since);
    birth.active_at = long_ago;
  }
  add(std::move(birth));
  grow();
}

ServerConnection::Birth Pool::birth_of(ServerConnect::Outcome& outcome, Permit permit, std::uint64_t id) {
  const TimePoint now = pools_.world().loop.now();
  ServerConnection::Birth birth;
  birth.stream = std::move(outcome.stream);
  birth.unread = std::move(outcome.unread);
  for (auto& [name, value] : outcome.reported) birth.reported[name] = std::move(value);
  birth.process_id = outcome.process_id;
  birth.cancel_secret = std::move(outcome.cancel_secret);
  birth.parameters = bare_set_;
  birth.permit = std::move(permit);
  birth.id = id;
  birth.born = birth.since = birth.active_at = now;
  const Duration took =
      outcome.figures.connect_time + outcome.figures.tls_time + (now - outcome.login_began_at);
  birth.pays_off = now + std::min<Duration>(service_per_connect * took, pays_off_at_last);
  birth.expires = pools_.expiry(now);
  return birth;
}

void Pool::note_connected(const Connected& connected, const ReportedParameters& reported) {
  ++pools_.counters().servers_connected;
  last_connect_error_ = {};
  const TimePoint now = pools_.world().loop.now();
  ConnectTimes& times = pools_.connect_times();
  times.connect.record(connected.figures.connect_time);
  if (connected.is_tls) times.tls.record(connected.figures.tls_time);
  times.login.record(now - connected.login_began_at);
  const TimePoint waking_since = connected.attempt.waking_since;
  if (waking_since != long_ago) times.wake.record(now - waking_since);
  const std::int64_t expires_s = connected.figures.certificate_expires_s;
  if (expires_s != 0) pools_.broker().upstream().note_certificate(expires_s);
  bare_set_->reported = reported;
  if (!is_for_replication()) pools_.broker().logins().remember(key_, {}, reported);
  const Upstream::News news = pools_.broker().upstream().connected(connected.attempt);
  if (news == Upstream::News::may_connect) pools_.broker().doubt_limits();  // it may be of another size now
  tell_others(news);
}

void Pool::add(ServerConnection::Birth birth) {
  const std::string unread = std::exchange(birth.unread, {});
  servers_.push_back(std::make_unique<ServerConnection>(std::move(birth), pools_.world().loop,
                                                        static_cast<ServerOwner&>(*this)));
  ServerConnection& server = *servers_.back();
  if (log::enabled(log::Level::debug)) {
    log::debug(server.name(),
               "connected to " + server.stream().peer() + " for " + key_.user + "@" + key_.database);
  }
  server.read_on(unread);
  if (!server.broken()) offer(server);
}

ConnectFailure Pool::note_failure(const PgError& why, bool refused_by_server, Upstream::Attempt attempt) {
  ++pools_.counters().server_connect_failures;
  last_connect_error_ = why;
  const TimePoint now = pools_.world().loop.now();
  const ConnectFailure kind = kind_of(last_connect_error_, refused_by_server);
  last_connect_error_.sqlstate = sqlstate_of(last_connect_error_, kind);
  ++(pools_.counters().*failure_counters[static_cast<std::size_t>(kind)]);
  if (kind == ConnectFailure::full) ++pools_.counters().server_slots_full;
  if (kind == ConnectFailure::rejected) retry_at_ = now + pools_.settings().server_login_retry;
  tell_others(pools_.broker().upstream().failed(attempt, now, last_connect_error_, kind,
                                                pools_.settings().server_login_retry));
  // No place is to be kept for us that we may not use yet; a server of another worker is still welcome.
  if (refusal_ != Broker::Refusal::pool_size) stop_asking();
  log::warning("pool " + key_.user + "@" + key_.database, last_connect_error_.message);
  return kind;
}

void Pool::tell_of_failure(ConnectFailure kind) {
  // A password that has been changed at the server, and not yet here: those that are connected serve on.
  const bool has_others = kind == ConnectFailure::rejected && !servers_.empty();
  if (!has_others && (kind == ConnectFailure::rejected || kind == ConnectFailure::refused))
    refuse_all(last_connect_error_);
  serve_with_what_is_there();
}

// They have waited for the outcome.
void Pool::tell_others(Upstream::News news) {
  if (news == Upstream::News::may_connect) pools_.broker().grow_all();
  if (news == Upstream::News::is_full) pools_.broker().slots_full(pools_.world().loop.now());
}

bool Pool::takes_limits_question() {
  if (is_for_replication() || key_.listening) return false;
  if (pools_.settings().server_budget == Switch::off) return false;
  return pools_.broker().takes_limits_question(pools_.world().loop.now());
}

void Pool::on_limits(const ServerLimits& limits) { pools_.broker().learn_limits(limits); }

std::string Pool::no_room_text() const {
  const SlotBudget::Figures figures = pools_.broker().slots();
  if (figures.is_shrunk()) {
    return "The database has refused connections for want of a place; " + std::to_string(figures.most) +
           " are opened for now.";
  }
  return "All " + std::to_string(figures.most) + " connections that the database has room for are in use (" +
         to_text(figures) + ").";
}

// Between pools and workers
// -----------------------------------------------------------------------------------------------

// To whoever should have the server, or its place, before our own clients (Broker says why).
bool Pool::give_up(ServerConnection& server) { return give_away(server) || make_way(server); }

// To another worker, if clients there have waited longer than ours.
bool Pool::give_away(ServerConnection& server) {
  if (is_for_replication() || !server.is_movable()) return false;
  const TimePoint before =
      queue_.empty() ? TimePoint::max() : queue_.oldest().waiting_since() - patience_between_workers;
  const auto worker = pools_.broker().hungriest(pools_.worker(), key_, before);
  if (!worker) return false;
  std::unique_ptr<ServerConnection> shell = take_out(server);
  pools_.broker().send(*worker, key_, shell->move_out(), bare_set_->reported);
  pools_.world().loop.bury(std::move(shell));
  return true;
}

// Closes it, if another pool's clients have waited longer than ours for a place.
bool Pool::make_way(ServerConnection& server) {
  if (!queue_.empty() && pools_.world().loop.now() < server.pays_off()) return false;
  const TimePoint before =
      queue_.empty() ? TimePoint::max() : queue_.oldest().waiting_since() - patience_between_pools;
  if (!pools_.broker().is_place_wanted(key_, {this, before})) return false;
  close(server, "made room for another pool");
  return true;
}

bool Pool::give_idle_one() { return !idle_.empty() && give_up(*idle_.front()); }

void Pool::adopt(ServerConnection::Birth birth, const ReportedParameters& bare) {
  stop_asking();
  if (bare_set_->reported.empty()) bare_set_->reported = bare;
  const ParameterSetRef theirs = std::move(birth.parameters);
  birth.parameters = parameter_sets_.intern(theirs->values);
  if (!birth.parameters->proven()) birth.parameters->reported = theirs->reported;
  birth.stream->attach(pools_.world().loop);
  add(std::move(birth));
}

// A shared limit: all who hold a place in it are asked at once. The pool's own size: the other workers'
// shares of it, at once if we have no server at all, else only when our clients have waited for a while:
// moving a server costs more than a query.
void Pool::ask_others(Broker::Refusal refusal, TimePoint since) {
  if (refusal == Broker::Refusal::pool_size) {
    if (is_for_replication()) return;
    if (!servers_.empty() && pools_.world().loop.now() - since < patience_between_workers) return;
  }
  is_asking_ = true;
  pools_.broker().want(pools_.worker(), key_, {this, since}, refusal);
}

void Pool::stop_asking() {
  if (!is_asking_) return;
  is_asking_ = false;
  pools_.broker().unwant(*this);
}

}  // namespace ballast
