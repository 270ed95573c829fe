// PoolStatistics: what a pool has served since it was made. Written by its worker alone; any thread may read
// it while the pool is there. PoolFigures: a copy of that, and how things stand at the moment, to be taken on
// the worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/base/counters.hpp"
#include "proxy/base/histogram.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/pool_key.hpp"

namespace ballast {

struct PoolStatistics {
  Histogram request_time;      // from a request's way to its server until it is answered
  Histogram transaction_time;  // from a transaction's first request to its end, with what its client thinks
                               // in between
  Histogram wait_time;         // for a server
};

struct PoolFigures {
  PoolKey key;
  int clients = 0;  // logged in, whatever they do
  std::size_t clients_waiting = 0;
  int servers_active = 0;  // with a client
  int servers_idle = 0;
  int servers_settling = 0;  // rolled back, reset, or held for a cancel request
  std::size_t servers_connecting = 0;
  int size = 0;  // servers that it may have
  Duration oldest_wait{};
  bool is_overloaded = false;
  Durations request_time;
  Durations transaction_time;
  Durations wait_time;

  // The same pool on another worker.
  PoolFigures& operator+=(const PoolFigures& other);
};

}  // namespace ballast
