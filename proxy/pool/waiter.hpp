// Waiter: someone in a pool's queue. Granted or refused exactly once, unless it leaves the queue before: its
// destructor does that, so nobody is served who is gone.
#pragma once

#include <cstdint>

#include <boost/intrusive/list_hook.hpp>

#include "protocol/pg_error.hpp"

#include "proxy/io/world.hpp"

namespace ballast {

class ServerConnection;

class Waiter
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // The server is leased to nobody yet: take it (ServerConnection::lease_to) before this returns.
  virtual void on_granted(ServerConnection& server) = 0;
  virtual void on_refused(const PgError& why) = 0;

  bool is_waiting() const { return is_linked(); }
  // Who it is, if it has left something on a server that only a claim keeps (ServerConnection::claim); 0:
  // nobody in particular.
  std::uint64_t claimant() const { return claimant_; }
  // Is it to be served by the server that it has claimed, else by one that no client has had, if one can be
  // made?
  bool wants_fresh() const { return wants_fresh_; }
  TimePoint waiting_since() const { return waiting_since_; }
  void leave_queue() {
    if (is_linked()) unlink();
  }

 protected:
  ~Waiter() = default;

  std::uint64_t claimant_ = 0;
  bool wants_fresh_ = false;

 private:
  friend class Pool;
  TimePoint waiting_since_;
};

}  // namespace ballast
