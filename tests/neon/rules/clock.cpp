#include "tests/neon/rules/clock.hpp"

#include <algorithm>
#include <cassert>

namespace ballast::neon {

Clock::Clock(RealTime start) : stretches_{{start, Seconds(0), 1.0}} {}

Seconds Clock::at(RealTime instant) const {
  const auto later = std::find_if(stretches_.rbegin(), stretches_.rend(),
                                  [instant](const Stretch& stretch) { return stretch.from <= instant; });
  const Stretch& stretch = later == stretches_.rend() ? stretches_.front() : *later;
  return stretch.begin + Seconds(instant - stretch.from) * stretch.scale;
}

Milliseconds Clock::real_until(RealTime now, Seconds instant) const {
  return std::max(Milliseconds(0), Milliseconds(instant - at(now)) / scale());
}

void Clock::advance(RealTime now, Seconds by) {
  assert(by.count() >= 0);
  stretches_.push_back({now, at(now) + by, scale()});
}

void Clock::set_scale(RealTime now, double scale) {
  assert(scale > 0);
  stretches_.push_back({now, at(now), scale});
}

}  // namespace ballast::neon
