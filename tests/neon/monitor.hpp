// Monitor: asks the real PostgreSQL what Neon's compute_ctl asks to find out when something last happened
// (neondatabase/neon, compute_tools/src/monitor.rs). The superuser stands for Neon's cloud_admin: what it
// does does not count.
//
// One thread; one poll at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/neon/backend.hpp"
#include "tests/neon/rules/knobs.hpp"
#include "tests/neon/timekeeper.hpp"

namespace ballast::neon {

class Monitor {
 public:
  Monitor(Executor executor, Database database, const Timekeeper& time, const Knobs& knobs);

  // When something last happened, as far as this poll can tell. Nothing: no word of it, or no answer.
  Task<std::optional<Seconds>> poll();
  // The compute has stopped: statistics of its next life are not compared with those of this one.
  void forget() { is_stale_ = true; }

 private:
  Task<bool> connect();
  Task<bool> statistics_moved();
  Task<std::optional<Seconds>> look_around();
  Task<std::optional<Seconds>> look_at_backends();
  Task<bool> any(std::string count_sql);

  Executor executor_;
  Database database_;
  const Timekeeper& time_;
  const Knobs& knobs_;
  std::unique_ptr<Backend> backend_;
  std::optional<std::vector<std::string>> statistics_;
  bool is_stale_ = false;  // has the compute stopped since the last poll began?
};

}  // namespace ballast::neon
