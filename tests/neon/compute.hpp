// Compute: puts the real PostgreSQL behind the gate of an Endpoint: starts it for the first login, suspends
// it when the monitor has seen nothing for long enough, and ends its connections in the way that the knobs
// say.
//
//   readiness = await compute.ready()   every login; waits while it starts
//
// One thread. run() is spawned once and never ends.
#pragma once

#include "tests/neon/connection.hpp"
#include "tests/neon/coroutine.hpp"
#include "tests/neon/monitor.hpp"
#include "tests/neon/postmaster.hpp"
#include "tests/neon/rules/endpoint.hpp"
#include "tests/neon/rules/knobs.hpp"
#include "tests/neon/timekeeper.hpp"

namespace ballast::neon {

class Compute {
 public:
  enum class Readiness { ready, refused };

  Compute(Executor executor, Database database, Postmaster& postmaster, ConnectionSet& connections,
          const Timekeeper& time, const Knobs& knobs, Dice& dice);

  Task<void> run();

  const Endpoint& endpoint() const { return endpoint_; }
  Task<Readiness> ready();
  Task<void> start();
  Task<void> suspend();  // does nothing unless it is active
  Task<void> restart();
  Task<void> crash();
  std::size_t held() const { return held_; }  // logins that wait
  std::uint64_t polls() const { return polls_; }

 private:
  Task<void> poll();
  Task<void> wake();
  Task<void> stop_postgres(SuspendMode mode);
  Task<void> end_backends();
  void sever_sessions(Ending ending);
  Milliseconds wake_time();

  Executor executor_;
  Database database_;
  Postmaster& postmaster_;
  ConnectionSet& connections_;
  Timekeeper const& time_;
  const Knobs& knobs_;
  Dice& dice_;
  Endpoint endpoint_;
  Monitor monitor_;
  Bell changed_;
  std::size_t held_ = 0;
  std::uint64_t polls_ = 0;
  Seconds node_used_{-1e9};  // when the front last used the compute's address
  std::uint64_t life_ = 0;   // a crash ends the life in which a wake or a stop was begun
};

}  // namespace ballast::neon
