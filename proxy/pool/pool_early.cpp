// Servers that are lent before their login is over (server_login_end.cpp), to who asks what may be asked of
// another server too, should this one not let us in. For the limits and the upstream such a server is still
// being connected.
#include <algorithm>
#include <utility>

#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

// Is there one whose turn it is, who may ride, and who has more patience than the login has time?
bool Pool::has_rider(std::uint64_t id, TimePoint deadline) {
  const Settings& settings = pools_.settings();
  if (settings.login_pipelining == Switch::off || !settings.may_sleep() || id <= retired_up_to_) return false;
  if (id == keepalive_id_) return false;  // its wake is keepalive's, and is paid for by its budget
  // In which state a server will be is known from the one before.
  if (is_for_replication() || bare_set_->reported.empty()) return false;
  if (queue_.empty() || !may_use_another()) return false;
  const Waiter& next = queue_.next();
  const Milliseconds patience = settings.query_wait_timeout;
  const bool is_patient = patience.count() == 0 || next.waiting_since() + patience > deadline;
  return is_patient && next.may_ride();
}

void Pool::lend_early(Early early, ServerConnection::Birth birth) {
  const std::string unread = std::exchange(birth.unread, {});
  servers_.push_back(std::make_unique<ServerConnection>(std::move(birth), pools_.world().loop,
                                                        static_cast<ServerOwner&>(*this)));
  ServerConnection& server = *servers_.back();
  Waiter& rider = queue_.next();  // has_rider() has just seen it
  early.waiting_since = rider.waiting_since();
  early_.push_back(early);
  queue_.serve(rider);
  if (queue_.empty()) stop_asking();
  ++pools_.counters().requests_with_login;
  rider.on_granted(server);
  if (!server.broken()) server.read_on(unread);
  grow();
}

std::vector<Pool::Early>::iterator Pool::find_early(const ServerConnection& server) {
  return std::find_if(early_.begin(), early_.end(),
                      [&server](const Early& each) { return each.id == server.id(); });
}

std::optional<Pool::Early> Pool::take_early(const ServerConnection& server) {
  const auto at = find_early(server);
  if (at == early_.end()) return std::nullopt;
  const Early taken = *at;
  early_.erase(at);
  return taken;
}

void Pool::on_logged_in(ServerConnection& server, const ReportedParameters& reported) {
  const auto early = take_early(server);
  statistics_.wait_time.record(pools_.world().loop.now() - early->waiting_since);
  note_connected(early->connect, reported);
  grow();
}

// Who has ridden is to find the queue as it is after that, so it hears of it later.
void Pool::on_login_failed(ServerConnection& server, const PgError& why, bool refused_by_server) {
  const auto at = find_early(server);
  server.permit() = {};
  if (server.id() > retired_up_to_) {
    at->failure = note_failure(why, refused_by_server, at->connect.attempt);
  } else {
    tell_others(pools_.broker().upstream().given_up(at->connect.attempt));
  }
}

void Pool::let_log_in(ServerConnection& server) { server.outlive_lessee(); }

void Pool::end_overdue_logins(TimePoint now) {
  std::vector<ServerConnection*> late;
  for (const Early& each : early_) {
    const auto at = std::find_if(servers_.begin(), servers_.end(),
                                 [&each](const auto& server) { return server->id() == each.id; });
    if (now >= each.deadline) late.push_back(at->get());
  }
  for (ServerConnection* const server : late) {
    ++pools_.counters().server_connect_timeouts;
    server->end_login({Severity::fatal,
                       std::string(sqlstate::cannot_connect),
                       "server login timed out (server_connect_timeout)",
                       {},
                       {}});
  }
}

}  // namespace ballast
