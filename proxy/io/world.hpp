// World: everything outside the process that the floors above io may touch. There are two bodies: real
// sockets and clocks (io/reactor), and the simulation (tests/sim), where a seed decides every delay and
// failure.
//
// One World per worker thread; all its parts are confined to that thread, post() of Loop excepted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "proxy/io/stream.hpp"

namespace ballast {

struct UpstreamTarget;

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
// Half the size, for what is shown to people only.
using CoarseTime = std::chrono::time_point<Clock, std::chrono::duration<std::uint32_t>>;
inline CoarseTime coarse(TimePoint time) { return std::chrono::time_point_cast<CoarseTime::duration>(time); }

// Before anything that can have happened, and yet so far from the clock's end that it can be counted with.
inline constexpr TimePoint long_ago{std::chrono::hours(-24 * 365)};

// Anything that may have callbacks of its own on the stack when it ends: handed to Loop::bury instead of
// deleted.
class Mortal {
 public:
  virtual ~Mortal() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;
  // The time at which this turn of the loop began; read once per turn.
  virtual TimePoint now() const = 0;
  // Runs the task in a later turn of this loop. The only method that any thread may call.
  virtual void post(std::function<void()> task) = 0;
  // Destroys at the end of this turn, when no callback of the dead is on the stack.
  virtual void bury(std::unique_ptr<Mortal> dead) = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  // Unpredictable bytes (cancel keys, nonces, salts).
  virtual void fill(std::span<char> out) = 0;
};

// What a connect took, and what it showed.
struct ConnectFigures {
  Duration connect_time{};                 // DNS and TCP, with all addresses that were tried
  Duration tls_time{};                     // SSLRequest and handshake; 0: no TLS
  std::int64_t certificate_expires_s = 0;  // the server's, since the epoch; 0: there is none
};

struct ConnectResult {
  std::unique_ptr<Stream> stream;  // null: failed
  std::string error;  // what failed and where, one line: "connect to [::1]:5432: Connection refused"
  ConnectFigures figures = {};
};

// An outgoing connection in the making; destroying it gives it up. Its callback is never called after that.
class Connecting {
 public:
  virtual ~Connecting() = default;
};

class Connector {
 public:
  virtual ~Connector() = default;
  using Done = std::function<void(ConnectResult)>;
  // DNS, TCP, and TLS as the target asks for it. Tries every host and every address of a host in order; the
  // next one only after a failure below the PostgreSQL protocol. `done` is called once, from the loop, never
  // from inside this call; it may destroy the Connecting. At `deadline` the attempt fails. `target` is
  // copied.
  virtual std::unique_ptr<Connecting> connect(const UpstreamTarget& target, TimePoint deadline,
                                              Done done) = 0;
  // The very server that `route` leads to, TLS if and only if the route says so: for a cancel request.
  virtual std::unique_ptr<Connecting> connect_again(const UpstreamTarget& target, const Route& route,
                                                    TimePoint deadline, Done done) = 0;
};

struct World {
  Loop& loop;
  Random& random;
  Connector& connector;
};

}  // namespace ballast
