// TopFigures: what `ballast top` shows: how things stand by the later of two looks at /metrics, and what has
// happened between them. Pure.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "proxy/app/exposition_reader.hpp"

namespace ballast {

// p50, p95, p99 in seconds; negative: nothing has happened.
using Percentiles = std::array<double, 3>;

struct TopPool {
  std::string database;
  std::string user;
  double clients = 0;
  double clients_waiting = 0;
  double servers_active = 0;
  double servers_idle = 0;
  double servers_settling = 0;
  double servers_connecting = 0;
  double size = 0;
  double transactions_per_s = 0;
  Percentiles request{};
  Percentiles wait{};
  double oldest_wait_s = 0;
  bool is_overloaded = false;
};

struct TopFigures {
  std::string version;
  std::string upstream;  // the state that the database is in
  double uptime_s = 0;
  double clients = 0;
  double max_clients = 0;
  double resident_bytes = 0;
  double cpu_part = 0;  // of one core
  double transactions_per_s = 0;
  Percentiles request{};
  Percentiles wait{};
  // Of the whole time since the start
  double shed = 0;
  double limit_hits = 0;
  double timeouts = 0;
  double login_failures = 0;
  double connect_failures = 0;
  double servers_lost = 0;
  double keepalive_pings = 0;
  double keepalive_connects = 0;
  double keepalive_spent_cu_hours = -1;   // negative: it isn't told
  double keepalive_budget_cu_hours = -1;  // likewise
  // Of the time between the looks
  double shed_per_s = 0;

  std::vector<TopPool> pools;  // the busiest first
};

// `now_s` is the wall clock, since the epoch.
TopFigures top_figures(const std::vector<Sample>& before, const std::vector<Sample>& after, double between_s,
                       double now_s);

}  // namespace ballast
