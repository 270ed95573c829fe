// WaitQueue: the clients that wait for a server of one pool, and who of them is next. One thread.
//
// Higher priority first; among equals each application in its turn (fair_by), else first come, first served.
//
// A queue that does not empty is overload, which no order can mend: everybody would wait longest, and many
// for answers that their users have given up on. So when the oldest has waited longer than queue_target for
// as long as queue_target again, the newest are served first, whose users are still there, and who has waited
// for queue_target is shed. That ends when the queue is empty. (Nichols and Jacobson, "Controlling Queue
// Delay", ACM Queue 2012: a queue that stands is what counts, not a burst; Maurer, "Fail at Scale", ACM Queue
// 2015: newest first with it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <boost/intrusive/list.hpp>

#include "proxy/base/settings.hpp"
#include "proxy/pool/waiter.hpp"

namespace ballast {

// The waiters of one priority and application.
struct WaitFlow {
  using List =
      boost::intrusive::list<Waiter, boost::intrusive::member_hook<Waiter, Waiter::Hook, &Waiter::in_flow_>>;

  Priority priority;
  std::string application_name;
  // When it is served next, in services of this queue; `arrival` decides between equals.
  std::uint64_t turn = 0;
  std::uint64_t arrival = 0;
  List waiters;  // first come first
};

class WaitQueue {
 public:
  struct Rules {
    Milliseconds target{};  // queue_target; 0: nobody is shed
    int length_max = 0;     // max_queue; 0: no limit
    FairBy fair_by = FairBy::none;
  };

  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  ~WaitQueue();

  void configure(const Rules& rules) { rules_ = rules; }

  void push(Waiter& waiter, TimePoint now);
  // Who has to go, if there are more than max_queue: it is still in the queue. Null: nobody.
  Waiter* surplus();
  // Whose turn it is. There is one.
  Waiter& next();
  // The waiter is served, out of turn if need be.
  void serve(Waiter& waiter);
  void remove(Waiter& waiter);

  // Looks whether the queue stands; to be called now and then while servers are at work.
  void watch(TimePoint now);
  // Nobody is served at the moment, for reasons that are no overload: the database wakes.
  void excuse() { standing_since_.reset(); }
  bool is_overloaded() const { return is_overloaded_; }
  // Under overload: who has waited for too long, one after the other. Null: nobody.
  Waiter* overdue(TimePoint now);

  bool empty() const { return arrivals_.empty(); }
  std::size_t size() const { return arrivals_.size(); }
  // There is one.
  Waiter& oldest() { return arrivals_.front(); }
  const Waiter& oldest() const { return arrivals_.front(); }
  // The one behind `count` others that came before; there is one.
  const Waiter& oldest_but(std::size_t count) const;

  using Arrivals =
      boost::intrusive::list<Waiter,
                             boost::intrusive::member_hook<Waiter, Waiter::Hook, &Waiter::in_arrivals_>>;
  // First come first.
  Arrivals& arrivals() { return arrivals_; }

 private:
  struct ByTurn {
    bool operator()(const WaitFlow* one, const WaitFlow* other) const;
  };
  using Flows = std::map<std::pair<Priority, std::string>, WaitFlow, std::less<>>;

  WaitFlow& flow_of(const Waiter& waiter);
  template <typename List>
  static void insert(List& list, Waiter& waiter);

  Rules rules_;
  Arrivals arrivals_;
  Flows flows_;                        // none is empty
  std::set<WaitFlow*, ByTurn> order_;  // of all flows
  std::uint64_t turn_ = 0;             // of the flow that was served last
  std::uint64_t last_arrival_ = 0;
  std::optional<TimePoint> standing_since_;  // the oldest has waited for more than the target
  bool is_overloaded_ = false;
};

}  // namespace ballast
