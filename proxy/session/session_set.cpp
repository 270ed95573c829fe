#include "proxy/session/session_set.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "proxy/base/log.hpp"

namespace ballast {

namespace {

// Each holds a server and needs a connection of its own; what comes on top is dropped, as a lost cancel may
// be.
constexpr std::size_t cancels_max = 64;
// cancel_wait_timeout = 0; as long as a duration may be.
constexpr Duration for_ever = std::chrono::hours(24 * 24);

LoginMethod method_of(AuthType type) {
  switch (type) {
    case AuthType::trust:
      return LoginMethod::trust;
    case AuthType::plain:
      return LoginMethod::plain;
    case AuthType::md5:
      return LoginMethod::md5;
    case AuthType::scram_sha_256:
      return LoginMethod::scram_sha_256;
    case AuthType::cert:
      return LoginMethod::cert;
  }
  return LoginMethod::scram_sha_256;
}

std::uint64_t next_client_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

SessionSet::SessionSet(World& world, PoolSet& pools, int worker, std::atomic<int>& clients,
                       std::string mock_key, ElsewhereCancel cancel_elsewhere)
    : world_(world),
      pools_(pools),
      cancel_keys_(worker),
      clients_(clients),
      mock_key_(std::move(mock_key)),
      cancel_elsewhere_(std::move(cancel_elsewhere)) {}

SessionSet::~SessionSet() = default;

void SessionSet::accept(std::unique_ptr<Stream> stream) {
  ++pools_.counters().clients_accepted;
  auto session = std::make_unique<ClientSession>(*this, std::move(stream), next_client_id());
  session->slot = sessions_.size();
  sessions_.push_back(std::move(session));
}

// Sessions may end during these walks: the last one takes the free slot then, and may be left out once.
void SessionSet::tick(TimePoint now) {
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->tick(now);
  }
  if (is_draining_) drain();
  for (std::size_t i = cancels_.size(); i-- > 0;) {
    if (i >= cancels_.size()) continue;
    if (now < cancels_[i]->deadline()) {
      cancels_[i]->tick();
      continue;
    }
    ++pools_.counters().cancel_wait_timeouts;
    cancels_[i]->give_up();
  }
  for (std::size_t i = stops_.size(); i-- > 0;) tick_stop(i, now);
}

void SessionSet::tick_stop(std::size_t at, TimePoint now) {
  stops_[at]->tick(now);
  if (!stops_[at]->is_over(now)) return;
  if (stops_[at]->is_in_vain()) ++pools_.counters().cancel_wait_timeouts;
  std::swap(stops_[at], stops_.back());
  stops_.pop_back();
}

void SessionSet::drain() {
  is_draining_ = true;
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->drain();
  }
}

void SessionSet::obey_gates() {
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->on_writable();
  }
}

int SessionSet::busy_count() const {
  return static_cast<int>(std::count_if(sessions_.begin(), sessions_.end(),
                                        [](const auto& session) { return session->is_busy(); }));
}

void SessionSet::kill(std::string_view database) {
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i >= sessions_.size()) continue;
    const Pool* const pool = sessions_[i]->pool();
    if (pool != nullptr && is_meant(database, pool->key().database)) sessions_[i]->kill();
  }
}

bool SessionSet::kill_client(std::uint64_t id) {
  const auto at = std::find_if(sessions_.begin(), sessions_.end(),
                               [id](const auto& session) { return session->id() == id; });
  if (at == sessions_.end()) return false;
  (*at)->kill();
  return true;
}

ClientLoginPolicy SessionSet::login_policy() const {
  const Settings& settings = pools_.settings();
  ClientLoginPolicy policy;
  policy.method = method_of(settings.auth_type);
  policy.tls_offered = settings.client_tls_sslmode != ClientTls::disable;
  policy.tls_required = policy.tls_offered && settings.client_tls_sslmode != ClientTls::allow;
  policy.mock_key = mock_key_;
  return policy;
}

bool SessionSet::admit_client() {
  if (clients_.fetch_add(1) < pools_.settings().max_client_conn) return true;
  clients_.fetch_sub(1);
  return false;
}

void SessionSet::cancel(const CancelRequest& request, std::function<void()> done) {
  if (CancelKeys::worker_of(request.process_id) == cancel_keys_.worker()) {
    cancel_here(request, std::move(done));
  } else {
    cancel_elsewhere_(request, std::move(done));
  }
}

void SessionSet::cancel_here(const CancelRequest& request, std::function<void()> done) {
  Cancelable* const session = cancel_keys_.find(request.process_id, request.secret);
  if (session != nullptr) return session->cancel(std::move(done));
  if (cancel_unknown_) return cancel_unknown_(request, std::move(done));
  ++pools_.counters().cancels_unknown;
  log::info("cancel", "a cancel request with a key that no client has");
  done();
}

void SessionSet::forward_cancel(ServerConnection& server, std::function<void()> done) {
  if (cancels_.size() >= cancels_max) return done();
  const TimePoint deadline = cancel_deadline();
  cancels_.push_back(std::make_unique<CancelForward>(
      world_, pools_.settings().upstream, server, deadline, [this, done](CancelForward& ended) {
        const auto at = std::find_if(cancels_.begin(), cancels_.end(),
                                     [&ended](const auto& other) { return other.get() == &ended; });
        world_.loop.bury(std::move(*at));
        cancels_.erase(at);
        done();
      }));
}

TimePoint SessionSet::cancel_deadline() const {
  const Duration limit = pools_.settings().cancel_wait_timeout;
  return world_.loop.now() + (limit == Duration{} ? for_ever : limit);
}

void SessionSet::stop_query(ServerConnection& server) {
  stops_.push_back(std::make_unique<QueryStop>(*this, server, cancel_deadline()));
}

void SessionSet::end_client(std::uint64_t id) {
  const auto at = std::find_if(sessions_.begin(), sessions_.end(),
                               [id](const auto& session) { return session->id() == id; });
  if (at != sessions_.end()) (*at)->hang_up();
}

void SessionSet::on_session_ended(ClientSession& session) {
  const std::size_t slot = session.slot;
  world_.loop.bury(std::move(sessions_[slot]));
  if (slot + 1 < sessions_.size()) {
    sessions_[slot] = std::move(sessions_.back());
    sessions_[slot]->slot = slot;
  }
  sessions_.pop_back();
}

}  // namespace ballast
