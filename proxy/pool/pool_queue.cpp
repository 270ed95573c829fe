// The clients that wait for a server of a pool: who is next, and who is told that it waits in vain.
#include <algorithm>
#include <string>
#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

std::string seconds(Milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest != 0) text += "." + std::to_string(1000 + rest).substr(1);
  return text + " s";
}

}  // namespace

// While there are more waiters than connections in the making, anything suits.
Waiter* Pool::next_for(const ServerConnection& server) {
  if (queue_.size() > connecting_.size()) return &queue_.next();
  auto& arrivals = queue_.arrivals();
  const auto first = std::find_if(arrivals.begin(), arrivals.end(),
                                  [&](const Waiter& waiter) { return suits(server, waiter); });
  return first == arrivals.end() ? nullptr : &*first;
}

void Pool::take_out_of_queue(Waiter& served) {
  statistics_.wait_time.record(pools_.world().loop.now() - served.waiting_since());
  queue_.serve(served);
  if (queue_.empty()) stop_asking();
}

PoolFigures Pool::figures() const {
  PoolFigures figures;
  figures.key = key_;
  figures.clients = clients;
  figures.clients_waiting = queue_.size() + early_.size();
  figures.servers_idle = static_cast<int>(idle_.size());
  for (const auto& server : servers_) {
    const ServerConnection::State state = server->state();
    if (server->is_logging_in()) continue;  // counted below
    if (state == ServerConnection::State::leased)
      ++(key_.listening ? figures.servers_listening : figures.servers_active);
    if (state == ServerConnection::State::leased && server->residue().is_pinned()) ++figures.servers_pinned;
    if (state == ServerConnection::State::settling || state == ServerConnection::State::held)
      ++figures.servers_settling;
  }
  figures.servers_connecting = connecting_.size() + early_.size();
  figures.size = settings_.pool_size;
  if (!queue_.empty()) figures.oldest_wait = pools_.world().loop.now() - queue_.oldest().waiting_since();
  figures.is_overloaded = queue_.is_overloaded();
  figures.totals = PoolTotals::of(statistics_);
  statistics_.request_time.add_to(figures.request_time);
  statistics_.transaction_time.add_to(figures.transaction_time);
  statistics_.wait_time.add_to(figures.wait_time);
  return figures;
}

std::vector<ServerFigures> Pool::server_figures() const {
  std::vector<ServerFigures> figures;
  for (const auto& server : servers_)
    figures.push_back(server->figures(key_, pools_.settings().server_check_delay));
  return figures;
}

void Pool::refuse_all(const PgError& why) {
  const PgError error = why;
  // Those who queue up again from inside on_refused() are not told twice.
  for (std::size_t left = queue_.size(); left > 0 && !queue_.empty(); --left) {
    Waiter& first = queue_.oldest();
    queue_.remove(first);
    first.on_refused(error);
  }
}

std::string Pool::what_is_in_the_way() const {
  if (is_paused_) return "The database is paused.";
  switch (refusal_) {
    case Broker::Refusal::max_db_connections:
      return "max_db_connections (" + std::to_string(settings_.max_db_connections) + ") is reached.";
    case Broker::Refusal::max_user_connections:
      return "max_user_connections (" + std::to_string(settings_.max_user_connections) + ") is reached.";
    case Broker::Refusal::max_connections:
      return no_room_text();
    case Broker::Refusal::none:
    case Broker::Refusal::pool_size:
      break;
  }
  return "All server connections of the pool are in use; its size (default_pool_size) is " +
         std::to_string(settings_.pool_size) + ".";
}

void Pool::refuse_overdue(TimePoint now) {
  const Milliseconds limit = pools_.settings().query_wait_timeout;
  if (limit.count() == 0) return;
  while (!queue_.empty() && now - queue_.oldest().waiting_since() >= limit) {
    Waiter& first = queue_.oldest();
    queue_.remove(first);
    ++pools_.counters().query_wait_timeouts;
    const bool is_down = !is_paused_ && !last_connect_error_.message.empty();
    PgError error;
    error.sqlstate = is_down ? sqlstate::cannot_connect : sqlstate::too_many_connections;
    error.message = "no server connection within query_wait_timeout (" + seconds(limit) + ")";
    error.detail = is_down ? last_connect_error_.message : what_is_in_the_way();
    error.hint = is_down ? "" : "Try again, or raise the limit.";
    first.on_refused(error);
  }
}

void Pool::refuse_hopeless(TimePoint now) {
  if (queue_.empty() || is_paused_) return;
  const PgError why = pools_.broker().upstream().refusal(now, pools_.settings().server_down_timeout);
  if (why.message.empty()) return;
  pools_.counters().refused_hopeless.add(queue_.size());
  refuse_all(why);
}

// Overload ------------------------------------------------------------------------------------------------

// The client stays connected, and is told to come again: 53300 as by a server that has no place.
void Pool::refuse_for_overload(Waiter& waiter, std::string message) {
  queue_.remove(waiter);
  waiter.on_refused({Severity::error, std::string(sqlstate::too_many_connections), std::move(message),
                     what_is_in_the_way(), "The statement was not begun: try again in a moment."});
}

void Pool::shed(TimePoint now) {
  const Milliseconds target = pools_.settings().queue_target;
  const bool is_waking = pools_.broker().upstream().state() != Upstream::State::awake;
  if (is_waking || is_paused_ || (servers_.empty() && !connecting_.empty())) return queue_.excuse();
  const bool was_overloaded = queue_.is_overloaded();
  queue_.watch(now);
  if (queue_.is_overloaded() && !was_overloaded) {
    ++pools_.counters().overloads;
    log::warning("pool " + key_.user + "@" + key_.database,
                 "is overloaded: its queue stands for longer than queue_target (" + seconds(target) +
                     "); the newest of " + std::to_string(queue_.size()) + " are served first");
  }
  // Those who queue up again from inside on_refused() have not waited yet.
  while (Waiter* const late = queue_.overdue(now)) {
    ++pools_.counters().shed_queue_target;
    refuse_for_overload(*late, "the database is overloaded: no server connection within queue_target (" +
                                   seconds(target) + ")");
  }
}

void Pool::refuse_surplus() {
  has_posted_surplus_ = false;
  while (Waiter* const one = queue_.surplus()) {
    ++pools_.counters().shed_max_queue;
    refuse_for_overload(*one, "too many clients wait for a server connection (max_queue " +
                                  std::to_string(pools_.settings().max_queue) + ")");
  }
}

}  // namespace ballast
