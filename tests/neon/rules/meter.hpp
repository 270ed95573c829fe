// Meter: for how long the compute was active, and what that costs (Neon: CU-hours = CU x hours active).
//
// Times never go back. Pure; not thread-safe.
#pragma once

#include <optional>

#include "tests/neon/rules/clock.hpp"

namespace ballast::neon {

class Meter {
 public:
  void start(Seconds now);  // it may run already
  void stop(Seconds now);

  Seconds active(Seconds now) const;

 private:
  Seconds total_{0};              // of the periods that are over
  std::optional<Seconds> since_;  // set: it runs
};

inline double cu_hours(Seconds active, double cu) { return active.count() / 3600 * cu; }

}  // namespace ballast::neon
