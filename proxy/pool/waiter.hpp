// Waiter: someone in a pool's queue. Granted or refused exactly once, unless it leaves the queue before: its
// destructor does that, so nobody is served who is gone.
#pragma once

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
  TimePoint waiting_since() const { return waiting_since_; }
  void leave_queue() {
    if (is_linked()) unlink();
  }

 protected:
  ~Waiter() = default;

 private:
  friend class Pool;
  TimePoint waiting_since_;
};

}  // namespace ballast
