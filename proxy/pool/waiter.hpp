// Waiter: someone in a pool's queue. Granted or refused exactly once, unless it leaves the queue before: its
// destructor does that, so nobody is served who is gone.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/intrusive/list_hook.hpp>

#include "protocol/pg_error.hpp"

#include "proxy/io/world.hpp"

namespace ballast {

class ServerConnection;
class WaitQueue;
struct WaitFlow;

// Of a client, by the startup parameter ballast.priority. The higher comes first, always.
enum class Priority : std::uint8_t { high, normal, low };

class Waiter {
 public:
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // The server is leased to nobody yet: take it (ServerConnection::lease_to) before this returns.
  virtual void on_granted(ServerConnection& server) = 0;
  virtual void on_refused(const PgError& why) = 0;
  // Does it wait with something that may go to a server whose login is not over
  // (ServerConnection::is_unproved)?
  virtual bool may_ride() const { return false; }
  // For fair_by = application_name. Valid until this one does something.
  virtual std::string_view application_name() const { return {}; }

  bool is_waiting() const { return queue_ != nullptr; }
  // Who it is, if it has left something on a server that only a claim keeps (ServerConnection::claim); 0:
  // nobody in particular.
  std::uint64_t claimant() const { return claimant_; }
  // Is it to be served by the server that it has claimed, else by one that no client has had, if one can be
  // made?
  bool wants_fresh() const { return wants_fresh_; }
  Priority priority() const { return priority_; }
  TimePoint waiting_since() const { return waiting_since_; }
  void leave_queue();

 protected:
  Waiter() = default;
  ~Waiter() { leave_queue(); }

  std::uint64_t claimant_ = 0;
  bool wants_fresh_ = false;
  Priority priority_ = Priority::normal;
  // Since when it has been asking for what it queues up for the next time; later than that: since then.
  // Queueing up forgets it.
  TimePoint asks_since_ = TimePoint::max();

 private:
  friend class WaitQueue;
  friend struct WaitFlow;
  using Hook = boost::intrusive::list_member_hook<>;

  Hook in_arrivals_;
  Hook in_flow_;
  WaitQueue* queue_ = nullptr;
  WaitFlow* flow_ = nullptr;
  TimePoint waiting_since_;
};

}  // namespace ballast
