// Upstream: what is known of the database server as a whole. Pools ask before each connect whether it is time
// for one, and say how it went.
//
//            connected                       last server lost while idle
//   unknown ----------> awake <----------------------------------------> asleep
//                         ^    connected          the first who asks: waking
//                         |
//      down (fails for passing reasons), refused (nobody is let in)
//
// Unless it is awake one connect at a time is begun, the probe: it wakes the database, or finds out that it
// is back, while everybody else waits for its outcome. After that many may follow at once, the fewer the more
// crowded the server has said it is.
//
// Connects are numbered, as many may be under way when one fails, or when the database goes away or comes
// back. That one succeeds is news at any time. That it fails says nothing about what has happened since it
// was begun: of those that fail together the first counts, and a probe goes on whatever becomes of others.
//
// Thread-safe, shared by all workers; its lock is not on the path of a query.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>

#include "protocol/pg_error.hpp"

#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/connect_failure.hpp"

namespace ballast {

class Upstream {
 public:
  enum class State : std::uint8_t { unknown, awake, asleep, waking, down, refused };
  // What an outcome means to others than who reports it.
  enum class News : std::uint8_t {
    nothing,
    may_connect,
    is_full,  // no place is free there; of those who are told so together, to one
  };

  // One connect, from its begin to its outcome.
  struct Attempt {
    std::uint64_t number = 0;
    TimePoint waking_since = long_ago;  // it sleeps; long_ago: it does not
  };
  struct Figures {
    State state = State::unknown;
    TimePoint since;     // of that state, to a tick
    PgError last_error;  // of a connect, since the start; rejected users and the like aside
    TimePoint failed_at = long_ago;
    std::int64_t certificate_expires_s = 0;  // the server's, since the epoch; 0: none has been seen
  };
  // How many there are, for tests.
  struct Census {
    int connecting = 0;
    int connected = 0;
    bool is_probing = false;
  };

  // `seed` of the jitter.
  explicit Upstream(std::uint32_t seed = 1) : random_(seed) {}

  // May a connect begin now, beside those under way? Its outcome follows, in one of the next three calls.
  std::optional<Attempt> begin_connecting(TimePoint now, int connecting_max);
  News connected(Attempt attempt);
  News failed(Attempt attempt, TimePoint now, const PgError& why, ConnectFailure kind,
              Milliseconds retry_max);
  // It comes to nothing, and says nothing about the server.
  News given_up(Attempt attempt);

  // A server that was connected is not any more. `slept`: it has ended by itself, while it was idle.
  enum class End : std::uint8_t { ours, slept };
  void disconnected(End end);

  State state() const { return state_.load(std::memory_order_relaxed); }
  // Is it worth a connect that nobody waits for? Not if that might wake it: from the first server on that has
  // ended by itself, until a connect succeeds.
  bool may_be_filled() const {
    return !has_slept_.load(std::memory_order_relaxed) && state() != State::refused;
  }
  // What those who wait are told now, rather than to wait on: nobody is let in, or the server could not be
  // reached for `patience` (0: no end to it). Empty while there is hope: a connect is under way, or
  // the server is there and has no place free.
  PgError refusal(TimePoint now, Milliseconds patience) const;
  Census census() const;
  Figures figures() const;
  // Each worker's, at each tick: since when is it as it is?
  void tick(TimePoint now);
  void note_certificate(std::int64_t expires_s) {
    certificate_expires_s_.store(expires_s, std::memory_order_relaxed);
  }

 private:
  bool is_awake() const { return rest_ == State::awake; }
  bool is_probing() const { return probe_ != 0; }
  void rest(State state);
  bool end_probe(Attempt attempt);
  void pause(TimePoint now, Milliseconds first, Milliseconds most);

  mutable std::mutex mutex_;
  std::atomic<State> state_{State::unknown};
  std::atomic<bool> has_slept_{false};  // since the last connect that succeeded
  State rest_ = State::unknown;         // but for `waking`
  std::uint64_t attempts_ = 0;
  std::uint64_t probe_ = 0;  // number of the attempt whose outcome the others wait for; 0: there is none
  std::uint64_t outdated_up_to_ = 0;  // that these attempts fail is no news any more
  int connecting_ = 0;
  int connected_ = 0;
  int fan_out_ = 0;   // how many connects at once the server bears; 0: as many as are allowed
  int failures_ = 0;  // in a row
  TimePoint retry_at_;
  TimePoint failing_since_ = TimePoint::max();  // since when it can't be reached
  PgError why_;                                 // of the last failure
  std::minstd_rand random_;
  TimePoint waking_since_ = long_ago;        // the first connect since it fell asleep
  std::atomic<State> seen_{State::unknown};  // at the last tick
  TimePoint since_ = long_ago;               // when that was first seen
  PgError last_error_;
  TimePoint failed_at_ = long_ago;
  std::atomic<std::int64_t> certificate_expires_s_{0};
};

}  // namespace ballast
