// Timekeeper: the Clock, and coroutines that wait for its instants; when it jumps or changes its pace they
// wait less.
//
// One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/neon/coroutine.hpp"
#include "tests/neon/rules/clock.hpp"

namespace ballast::neon {

class Timekeeper {
 public:
  explicit Timekeeper(Executor executor);

  Seconds now() const { return clock_.at(RealTime::clock::now()); }
  Seconds at(RealTime instant) const { return clock_.at(instant); }
  std::uint64_t jumps() const { return jumps_; }  // how often time was told to go otherwise
  double scale() const { return clock_.scale(); }
  Task<void> wait(Seconds time);

  void advance(Seconds by);
  void set_scale(double scale);

 private:
  Clock clock_;
  Executor executor_;
  std::vector<asio::steady_timer*> waiting_;
  std::uint64_t jumps_ = 0;
};

}  // namespace ballast::neon
