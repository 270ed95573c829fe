// Knobs: everything about the simulated Neon that a test may want otherwise. The defaults are Neon's.
//
// Names in --set and POST /set are those of the members. Names ending in _s that concern Neon's own timers
// are in simulated time, those ending in _ms and the handshake's in real time. Plain data; not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/neon/rules/spread.hpp"

namespace ballast::neon {

enum class SuspendMode { direct_57P01, eof, blackhole };
enum class StoppingPolicy { refuse, hold };
enum class Refuse { off, reset, drop };

struct Knobs {
  // Going to sleep and waking
  double suspend_timeout_s = 300;  // 0: never
  SuspendMode suspend_mode = SuspendMode::direct_57P01;
  Spread stop_ms{Spread::Shape::even, 300, 1500};
  StoppingPolicy stopping_policy = StoppingPolicy::refuse;  // of new logins while the compute stops
  double stopping_refuse_p = 0.5;                           // else they are held
  Spread wake_ms{Spread::Shape::lognormal, 350, 1200};
  double pool_miss_p = 0.02;
  Spread pool_miss_ms{Spread::Shape::even, 3000, 6000};
  double long_idle_s = 604800;
  double long_idle_factor = 2;
  double monitor_poll_ms = 500;    // simulated, but never below 50 ms of real time
  double cplane_poll_ms = 1000;    // simulated
  bool count_statistics = true;    // step 1 of the monitor
  double blackhole_hold_s = 1800;  // real

  // Caches of the front
  double access_cache_s = 240;
  Spread cplane_ms{Spread::Shape::even, 20, 60};
  double error_cache_s = 30;
  double node_cache_s = 240;
  Spread stale_connect_ms{Spread::Shape::even, 0, 2000};
  double time_scale = 1;  // of the retries inside the front

  // Limits
  double attempts_per_s = 200;
  double attempts_burst = 500;
  double wakes_per_s = 300;
  double wakes_burst = 300;
  double permits = 100;
  double permit_wait_ms = 10;
  Spread connect_ms{Spread::Shape::fixed, 3, 3};

  // The front's protocol
  double handshake_timeout_s = 15;
  double scram_timeout_s = 15;
  bool alpn_strict = true;
  bool params_compat = false;
  std::string severity = "ERROR";
  bool with_V = false;
  double cancel_lost_probability = 0;
  double cancel_register_delay_ms = 0;
  double nlb_idle_s = 0;       // 0: never forgets
  double proxy_max_age_s = 0;  // 0: no limit

  // The network
  double rtt_ms = 0;
  double jitter_ms = 0;
  double loss_stall_p = 0;
  double loss_stall_ms = 200;
  double bandwidth = 0;  // bytes a second in each direction of a connection; 0: unlimited
  Refuse refuse = Refuse::off;

  // The price
  double cu = 0.25;
  double usd_per_cu_hour = 0.106;
};

// Sets the knob of that name; empty, or what is wrong.
std::string set_knob(Knobs& knobs, std::string_view name, std::string_view value);

// All of them, in the order above.
std::vector<std::pair<std::string, std::string>> list_knobs(const Knobs& knobs);

}  // namespace ballast::neon
