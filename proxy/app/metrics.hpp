// Metrics: what Prometheus is told (exposition format, text version 0.0.4; names and units by its
// conventions, prometheus.io/docs/practices/naming). Every label has few values: settings, reasons, pools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/counters.hpp"
#include "proxy/base/error_counters.hpp"
#include "proxy/pool/keepalive.hpp"
#include "proxy/pool/pool_statistics.hpp"
#include "proxy/pool/upstream.hpp"

namespace ballast {

// How things stand in the whole process, at one moment or nearly so.
struct Census {
  // Of all workers together.
  struct ConnectDurations {
    Durations connect;
    Durations tls;
    Durations login;
    Durations wake;
    Durations client_login;
  };
  struct OfWorker {
    int clients = 0;
    Durations loop_lag;
    std::size_t spare_buffer_bytes = 0;
  };

  std::vector<PoolFigures> pools;            // each once, of all workers
  std::vector<const Counters*> counters;     // of each worker
  std::vector<const ErrorCounters*> errors;  // likewise
  std::vector<OfWorker> workers;
  ConnectDurations connects;
  Upstream::Figures upstream;
  Keepalive::Figures keepalive;
  int clients = 0;                             // logged in or about to be
  int max_clients = 0;                         // max_client_conn
  std::int64_t own_certificate_expires_s = 0;  // since the epoch; 0: there is none

  std::uint64_t sum(Counter Counters::*counter) const;
};

std::string_view name_of(Upstream::State state);
double cu_hours(std::int64_t cu_microseconds);
std::string exposition(const Census& census);

}  // namespace ballast
