// Who gets which server. Some state of a session can neither be asked for nor carried: values of sequences,
// statistics not yet sent, what a trigger's library remembers. A client that may have such state claims its
// server: it gets it again, and others get it only when the pool has no other and may make no other.
#include <algorithm>

#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

// Null: there is none that it should have, though there may be one that it could have.
ServerConnection* Pool::take_idle(const Waiter& waiter) {
  if (waiter.claimant() != 0) {
    const auto own = std::find_if(idle_.begin(), idle_.end(), [&](const ServerConnection* server) {
      return server->claimant() == waiter.claimant();
    });
    if (own != idle_.end()) return take_out_of_idle(own, waiter);
  }
  const auto free = std::find_if(idle_.rbegin(), idle_.rend(), [&](const ServerConnection* server) {
    return server->claimant() == 0 && (server->is_fresh() || !waiter.wants_fresh());
  });
  return free == idle_.rend() ? nullptr : take_out_of_idle(std::prev(free.base()), waiter);
}

ServerConnection* Pool::take_out_of_idle(std::vector<ServerConnection*>::iterator at, const Waiter& waiter) {
  ServerConnection* const server = *at;
  idle_.erase(at);
  const Milliseconds rest = pools_.settings().server_check_delay;
  if (rest.count() > 0 && pools_.world().loop.now() - server->since() >= rest) {
    ++pools_.counters().server_checks;
    server->probe();
  }
  end_claim_of_others(*server, waiter);
  return server;
}

// What its claimant would find there may be the other's by then: a function can call nextval() unseen.
void Pool::end_claim_of_others(ServerConnection& server, const Waiter& waiter) {
  if (server.claimant() != waiter.claimant()) server.claim(0);
}

bool Pool::suits(const ServerConnection& server, const Waiter& waiter) const {
  if (server.claimant() != 0) return server.claimant() == waiter.claimant();
  return server.is_fresh() || !waiter.wants_fresh();
}

void Pool::serve_with_what_is_there() {
  close_outdated();
  while (queue_.size() > connecting_.size() && !idle_.empty() && may_use_another()) {
    Waiter& next = queue_.next();
    take_out_of_queue(next);
    next.on_granted(*take_out_of_idle(idle_.begin(), next));
  }
}

void Pool::disown_sequences(std::uint64_t owner) {
  for (const auto& server : servers_) {
    if (server->sequences_of() == owner) server->give_sequences(ServerConnection::several);
  }
}

void Pool::release_claims(std::uint64_t claimant) {
  for (const auto& server : servers_) {
    if (server->claimant() == claimant) server->claim(0);
  }
}

}  // namespace ballast
