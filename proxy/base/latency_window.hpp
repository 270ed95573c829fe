// LatencyWindow: of times that are counted since the start, those of the last minute or so. Told the totals
// now and then, it subtracts those of a minute ago. One thread.
#pragma once

#include <chrono>
#include <deque>

#include "proxy/base/histogram.hpp"

namespace ballast {

class LatencyWindow {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds length{60};
  // How often note() is worth calling, and how much longer than `length` the window may be.
  static constexpr std::chrono::seconds step{10};

  // The totals as they are now; smaller ones than before are of a pool that has been made anew.
  void note(TimePoint now, const Durations& totals);
  // What has come since; the totals as they are now, or were at the last note().
  Durations recent(const Durations& totals) const;

 private:
  struct Mark {
    TimePoint at;
    Durations totals;
  };
  std::deque<Mark> marks_;  // oldest first; that one is what recent() subtracts
};

}  // namespace ballast
