// Chronicle: how things stood in the last quarter of an hour, and how long requests took in the last minute.
// Told a Census every few seconds. Control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>

#include "proxy/app/metrics.hpp"
#include "proxy/base/latency_window.hpp"

namespace ballast {

// Of a pool, in the last minute.
struct RecentTimes {
  Durations request;
  Durations transaction;
  Durations wait;
};

class Chronicle {
 public:
  static constexpr std::chrono::seconds interval{5};
  static constexpr std::size_t points_max = std::chrono::minutes(15) / interval;

  // All pools together.
  struct Point {
    std::int64_t at_s = 0;  // since the epoch
    Upstream::State upstream = Upstream::State::unknown;
    int clients = 0;
    int clients_active = 0;
    std::size_t clients_waiting = 0;
    int servers = 0;
    int servers_pinned = 0;
    double queries_per_s = 0;  // since the point before, as what follows
    double transactions_per_s = 0;
    double shed_per_s = 0;
    std::chrono::microseconds p50{0};
    std::chrono::microseconds p95{0};
    std::chrono::microseconds p99{0};
  };

  void note(TimePoint now, std::chrono::system_clock::time_point wall, const Census& census);
  // Up to the figures given: those of the last note(), or later ones.
  RecentTimes recent(const PoolFigures& pool) const;
  const std::deque<Point>& points() const { return points_; }

 private:
  struct Past {
    LatencyWindow request;
    LatencyWindow transaction;
    LatencyWindow wait;
    Durations last_request;  // at the last note(), as what follows
    PoolTotals last_totals;
  };

  std::map<PoolKey, Past> past_;  // of the pools that there are
  std::deque<Point> points_;      // oldest first
  TimePoint last_at_;
  std::uint64_t last_shed_ = 0;
};

}  // namespace ballast
