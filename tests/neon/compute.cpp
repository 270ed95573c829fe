#include "tests/neon/compute.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>

namespace ballast::neon {
namespace {

constexpr Milliseconds shortest_poll(50);
constexpr int polls_for_empty = 200;  // times 10 ms

bool chance(Dice& dice, double probability) {
  return std::uniform_real_distribution<double>(0, 1)(dice) < probability;
}

}  // namespace

Compute::Compute(Executor executor, Database database, Postmaster& postmaster, ConnectionSet& connections,
                 const Timekeeper& time, const Knobs& knobs, Dice& dice)
    : executor_(executor),
      database_(std::move(database)),
      postmaster_(postmaster),
      connections_(connections),
      time_(time),
      knobs_(knobs),
      dice_(dice),
      monitor_(executor, database_, time, knobs),
      changed_(executor) {}

// The monitor looks twice a second, the control plane decides once a second; here they take turns in one
// loop.
Task<void> Compute::run() {
  Seconds decided = time_.now();
  for (;;) {
    const Milliseconds between(knobs_.monitor_poll_ms / time_.scale());
    co_await pause(std::max(between, shortest_poll));
    if (endpoint_.state() != State::active) continue;
    co_await poll();
    const Seconds now = time_.now();
    if (now - decided < Seconds(knobs_.cplane_poll_ms / 1000)) continue;
    decided = now;
    if (endpoint_.is_due(now, Seconds(knobs_.suspend_timeout_s))) co_await suspend();
  }
}

Task<void> Compute::poll() {
  const std::uint64_t life = life_;
  const auto seen = co_await monitor_.poll();
  ++polls_;
  if (seen && life == life_) endpoint_.saw_activity(*seen);
}

Task<Compute::Readiness> Compute::ready() {
  ++held_;
  auto readiness = Readiness::ready;
  if (endpoint_.state() == State::idle && time_.now() - node_used_ < Seconds(knobs_.node_cache_s)) {
    node_used_ = Seconds(-1e9);
    co_await pause(Milliseconds(knobs_.stale_connect_ms.sample(dice_)));
  }
  if (endpoint_.state() == State::stopping && knobs_.stopping_policy == StoppingPolicy::refuse &&
      chance(dice_, knobs_.stopping_refuse_p)) {
    readiness = Readiness::refused;
  } else {
    co_await start();
    node_used_ = time_.now();
  }
  --held_;
  co_return readiness;
}

Task<void> Compute::start() {
  while (endpoint_.state() != State::active) {
    if (endpoint_.demand()) asio::co_spawn(executor_, wake(), on_its_own);
    co_await changed_.wait();
  }
}

Task<void> Compute::wake() {
  const std::uint64_t life = life_;
  co_await pause(wake_time());
  co_await postmaster_.start();
  if (life != life_) co_return;
  endpoint_.started(time_.now());
  changed_.ring();
}

Milliseconds Compute::wake_time() {
  const Spread& spread = chance(dice_, knobs_.pool_miss_p) ? knobs_.pool_miss_ms : knobs_.wake_ms;
  const bool was_long_idle = time_.now() - endpoint_.last_active() > Seconds(knobs_.long_idle_s);
  return Milliseconds(spread.sample(dice_) * (was_long_idle ? knobs_.long_idle_factor : 1));
}

Task<void> Compute::suspend() {
  while (endpoint_.state() == State::stopping) co_await changed_.wait();  // somebody else's
  if (endpoint_.state() != State::active) co_return;
  const std::uint64_t life = life_;
  endpoint_.stop();
  co_await stop_postgres(knobs_.suspend_mode);
  co_await pause(Milliseconds(knobs_.stop_ms.sample(dice_)));
  if (life != life_) co_return;
  sever_sessions(Ending::eof);  // those that got through while the gate closed
  co_await end_backends();
  monitor_.forget();
  if (life != life_) co_return;
  endpoint_.stopped(time_.now());
  changed_.ring();
}

Task<void> Compute::restart() {
  co_await suspend();
  co_await start();
}

Task<void> Compute::crash() {
  ++life_;
  endpoint_.crash(time_.now());
  connections_.sever_all(Ending::reset);
  monitor_.forget();
  co_await end_backends();
  changed_.ring();
}

// Pooled clients hear nothing but the end: Neon kills PgBouncer before it stops PostgreSQL.
Task<void> Compute::stop_postgres(SuspendMode mode) {
  if (mode == SuspendMode::blackhole) sever_sessions(Ending::blackhole);
  if (mode == SuspendMode::eof) sever_sessions(Ending::eof);
  for (Connection* connection : std::vector(connections_.all()))
    if (connection->is_pooled() && connection->is_in_session()) connection->sever(Ending::eof);
  if (postmaster_.is_owned())
    co_await postmaster_.stop();
  else
    co_await end_backends();
}

// What a fast shutdown does to its clients, without the shutdown: the same words. Waits until they are gone,
// so that the next life begins without them.
Task<void> Compute::end_backends() {
  if (postmaster_.is_owned()) co_return;
  const std::string ours = " from pg_stat_activity where backend_type = 'client backend' and usename <> " +
                           quote_literal(database_.superuser);
  for (int turn = 0; turn < polls_for_empty; ++turn) {
    const auto rows = co_await ask(database_, "select pg_terminate_backend(pid)" + ours);
    if (!rows || rows->empty()) co_return;
    co_await pause(Milliseconds(10));
  }
}

// A login that waits for the compute goes on waiting.
void Compute::sever_sessions(Ending ending) {
  for (Connection* connection : std::vector(connections_.all()))
    if (connection->is_in_session()) connection->sever(ending);
}

}  // namespace ballast::neon
