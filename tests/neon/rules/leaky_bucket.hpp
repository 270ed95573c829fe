// LeakyBucket: lets `burst` through at once and `per_s` a second in the long run. Pure; not thread-safe.
#pragma once

#include <algorithm>

#include "tests/neon/rules/clock.hpp"

namespace ballast::neon {

class LeakyBucket {
 public:
  // False: too many, and this one does not count.
  bool take(Seconds now, double per_s, double burst) {
    level_ = std::max(0.0, level_ - (now - last_).count() * per_s);
    last_ = now;
    if (level_ + 1 > burst) return false;
    level_ += 1;
    return true;
  }

 private:
  double level_ = 0;
  Seconds last_{0};
};

}  // namespace ballast::neon
