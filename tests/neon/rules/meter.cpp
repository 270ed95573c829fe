#include "tests/neon/rules/meter.hpp"

namespace ballast::neon {

void Meter::start(Seconds now) {
  if (!since_) since_ = now;
}

void Meter::stop(Seconds now) {
  total_ = active(now);
  since_.reset();
}

Seconds Meter::active(Seconds now) const { return since_ ? total_ + (now - *since_) : total_; }

}  // namespace ballast::neon
