#include "tests/neon/rules/endpoint.hpp"

#include <algorithm>
#include <cassert>

namespace ballast::neon {

const char* name_of(State state) {
  switch (state) {
    case State::idle:
      return "IDLE";
    case State::starting:
      return "STARTING";
    case State::active:
      return "ACTIVE";
    case State::stopping:
      return "STOPPING";
  }
  return "";
}

bool Endpoint::demand() {
  if (state_ != State::idle) return false;
  state_ = State::starting;
  ++wakes_;
  return true;
}

void Endpoint::started(Seconds now) {
  assert(state_ == State::starting);
  state_ = State::active;
  last_active_ = std::max(last_active_, now);
  meter_.start(now);
}

void Endpoint::saw_activity(Seconds at) { last_active_ = std::max(last_active_, at); }

bool Endpoint::is_due(Seconds now, Seconds timeout) const {
  return state_ == State::active && timeout.count() > 0 && now - last_active_ >= timeout;
}

void Endpoint::stop() {
  assert(state_ == State::active);
  state_ = State::stopping;
  ++suspends_;
}

void Endpoint::stopped(Seconds now) {
  assert(state_ == State::stopping);
  state_ = State::idle;
  meter_.stop(now);
}

void Endpoint::crash(Seconds now) {
  state_ = State::idle;
  meter_.stop(now);
}

}  // namespace ballast::neon
