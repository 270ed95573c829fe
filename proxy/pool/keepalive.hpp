// Keepalive: when it is worth its price to keep the database from sleeping, and what that has cost. A policy
// for the whole process; it touches nothing itself.
//
// The database sleeps when nothing has been asked of it for suspend_timeout. Shortly before, one empty query
// of ours on one idle server puts that off by another suspend_timeout; what clients ask does so for free.
// When each mode does that, and whether it may also wake:
// - while_clients: as long as a client is logged in. Never wakes.
// - schedule: in its hours. At their begin, or if Ballast is started within them, it wakes the database once,
//   by connecting. If that sleeps all the same later in these hours (it was suspended by hand, its timeout is
//   shorter than ours), it stays so until a client comes. At their end the pings end, and it sleeps
//   suspend_timeout later at the latest.
// - always: whenever it is asleep it is woken, one connect for each pause.
// Where no server is idle, or we have closed the last one, a connect takes the place of the ping: in any mode
// while the database is surely awake still, else by the rules above.
//
// What is bought is the time from when the database would have slept without the pings, to when a client asks
// again or it sleeps after the last one. A ping whose whole price does not fit into the budget is not sent.
// What others ask of the database past Ballast is not seen: it is counted as if we had paid for it.
//
//   configure()            at start and reload; resume() before the first decide()
//   decide()               each worker at each tick. `ping`: it sends one at once. `connect`: it may try, and
//   if
//                          that succeeds, connected() follows.
//   missed()               the last ping had no answer
//   spending(), figures()  any time
//
// Thread-safe, shared by all workers; its lock is not on the path of a query.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "proxy/base/schedule.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/keepalive_spending.hpp"
#include "proxy/pool/upstream.hpp"

namespace ballast {

using WallTime = std::chrono::system_clock::time_point;

// What the settings say of it.
struct KeepaliveTerms {
  KeepaliveMode mode = KeepaliveMode::off;
  Schedule schedule;
  Milliseconds suspend_timeout{300'000};
  Thousandths compute_cu{250};
  std::int64_t budget_cu_microseconds = 0;  // 0: no limit

  // Throws std::invalid_argument for a schedule that can't be read. Off if the database never sleeps.
  static KeepaliveTerms of(const Settings& settings);
};

class Keepalive {
 public:
  enum class Act : std::uint8_t { nothing, ping, connect };
  // What one worker sees.
  struct Sight {
    int worker = 0;
    int clients = 0;  // of its own, logged in
    bool has_idle_server = false;
    TimePoint active_at = long_ago;  // when the database last did something for others than us
    Upstream::State upstream = Upstream::State::unknown;
    TimePoint now;
    WallTime wall;
  };

  struct Figures {
    std::uint64_t pings = 0;
    std::uint64_t connects = 0;
    std::uint64_t budget_ends = 0;  // how often the budget has ended it
    KeepaliveSpending spending;
    std::int64_t budget_cu_microseconds = 0;  // of a month
  };

  void configure(KeepaliveTerms terms);
  void resume(const KeepaliveSpending& spending);
  bool is_off() const { return is_off_.load(std::memory_order_relaxed); }

  Act decide(Sight sight);
  void connected(TimePoint now);
  void missed();

  // As it will be if nobody asks for anything any more: what the last ping buys is counted in.
  KeepaliveSpending spending() const;
  Figures figures() const;

 private:
  void note(const Sight& sight);
  void turn_month(WallTime wall);
  bool is_wanted(const Sight& sight);
  Act act_for(const Sight& sight, TimePoint asleep_at) const;
  bool may_wake() const;
  bool is_affordable(TimePoint now);
  void keep(TimePoint now);
  Milliseconds margin() const;
  Duration bought(TimePoint from, TimePoint to) const;
  void count(Duration time, KeepaliveSpending& spending) const;
  void count_up_to(TimePoint time);

  mutable std::mutex mutex_;
  std::atomic<bool> is_off_{true};
  KeepaliveTerms terms_;
  std::vector<int> clients_;             // of each worker
  TimePoint real_until_ = long_ago;      // when it would sleep without us
  TimePoint kept_until_ = long_ago;      // when it will, after our last ping
  TimePoint kept_before_ = long_ago;     // the same, before that ping
  TimePoint counted_up_to_ = long_ago;   // what was bought before this is in spent_
  TimePoint may_connect_at_ = long_ago;  // not before this again
  bool is_in_hours_ = false;
  bool has_been_awake_ = false;  // in these hours
  bool has_ended_ = false;       // the budget of this month
  KeepaliveSpending spent_;
  Figures figures_;
};

}  // namespace ballast
