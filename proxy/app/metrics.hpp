// Metrics: what Prometheus is told (exposition format, text version 0.0.4; names and units by its
// conventions, prometheus.io/docs/practices/naming). Every label has few values: settings, reasons, pools.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "proxy/base/counters.hpp"
#include "proxy/pool/keepalive.hpp"
#include "proxy/pool/pool_statistics.hpp"
#include "proxy/pool/upstream.hpp"

namespace ballast {

// How things stand in the whole process, at one moment or nearly so.
struct Census {
  std::vector<PoolFigures> pools;         // each once, of all workers
  std::vector<const Counters*> counters;  // of each worker
  Upstream::State upstream = Upstream::State::unknown;
  Keepalive::Figures keepalive;
  int clients = 0;      // logged in or about to be
  int max_clients = 0;  // max_client_conn
};

std::string_view name_of(Upstream::State state);
std::string exposition(const Census& census);

}  // namespace ballast
