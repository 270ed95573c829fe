// Endpoint: whether the compute sleeps, and since when nothing has happened on it.
//
//   idle --demand--> starting --started--> active --stop--> stopping --stopped--> idle
//
// crash() leads from everywhere to idle. Whoever waits for a state is told by the owner, not from here.
// Pure; driven by events with their times; not thread-safe.
#pragma once

#include <cstdint>

#include "tests/neon/rules/clock.hpp"
#include "tests/neon/rules/meter.hpp"

namespace ballast::neon {

enum class State { idle, starting, active, stopping };

const char* name_of(State state);

class Endpoint {
 public:
  State state() const { return state_; }
  Seconds last_active() const { return last_active_; }
  std::uint64_t wakes() const { return wakes_; }
  std::uint64_t suspends() const { return suspends_; }
  Seconds active_time(Seconds now) const { return meter_.active(now); }

  // Somebody wants the compute. True: it slept, and the caller has to start it; any other caller only waits.
  bool demand();
  void started(Seconds now);
  // The monitor saw something happen at that time.
  void saw_activity(Seconds at);
  // Nothing has happened for so long that it is to be suspended. A timeout of zero means never.
  bool is_due(Seconds now, Seconds timeout) const;
  void stop();
  void stopped(Seconds now);
  void crash(Seconds now);

 private:
  State state_ = State::idle;
  Seconds last_active_{0};
  std::uint64_t wakes_ = 0;
  std::uint64_t suspends_ = 0;
  Meter meter_;
};

}  // namespace ballast::neon
