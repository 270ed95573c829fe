// Clock: simulated time, which can run faster than real time and jump ahead, so that an hour passes in a
// test.
//
// It starts at 0 with scale 1. Instants in the past keep the simulated time that they had, whatever happens
// later: the activity monitor learns of things after they were. Pure; not thread-safe.
#pragma once

#include <chrono>
#include <vector>

namespace ballast::neon {

using Seconds = std::chrono::duration<double>;  // simulated
using RealTime = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::duration<double, std::milli>;  // real

class Clock {
 public:
  explicit Clock(RealTime start);

  Seconds at(RealTime instant) const;
  // How long from `now` until it is `instant`, in real time; zero when that has passed.
  Milliseconds real_until(RealTime now, Seconds instant) const;
  double scale() const { return stretches_.back().scale; }

  void advance(RealTime now, Seconds by);
  void set_scale(RealTime now, double scale);  // greater than zero

 private:
  // From `from` on, which is `begin` in simulated time, until the next stretch.
  struct Stretch {
    RealTime from;
    Seconds begin;
    double scale;
  };
  std::vector<Stretch> stretches_;  // never empty
};

}  // namespace ballast::neon
