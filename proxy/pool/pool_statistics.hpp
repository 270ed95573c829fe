// PoolStatistics: what a pool has served since it was made. Written by its worker alone; any thread may read
// it while the pool is there. PoolFigures: a copy of that, and how things stand at the moment, to be taken on
// the worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocol/message.hpp"

#include "proxy/base/counters.hpp"
#include "proxy/base/histogram.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/pool_key.hpp"

namespace ballast {

struct PoolStatistics {
  Counter transactions;    // that servers have ended
  Counter queries;         // what clients have asked for: Query, Execute, FunctionCall
  Counter bytes_received;  // from clients that have logged in
  Counter bytes_sent;      // servers' answers, to clients
  Counter client_parses;   // that clients have asked for
  Counter server_parses;   // that servers were asked for: the clients' and our own
  Counter binds;
  Histogram request_time;      // from a request's way to its server until it is answered
  Histogram transaction_time;  // from a transaction's first request to its end, with what its client thinks
                               // in between
  Histogram wait_time;         // for a server: once for each time that a client was given one

  // A client's message has been dealt with.
  void note(FrontendType type) {
    switch (type) {
      case FrontendType::query:
      case FrontendType::execute:
      case FrontendType::function_call:
        return ++queries;
      case FrontendType::parse:
        return ++client_parses;
      case FrontendType::bind:
        return ++binds;
      default:
        return;
    }
  }
};

// A copy of its counters.
struct PoolTotals {
  std::uint64_t transactions = 0;
  std::uint64_t queries = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t server_assignments = 0;
  std::uint64_t client_parses = 0;
  std::uint64_t server_parses = 0;
  std::uint64_t binds = 0;

  static PoolTotals of(const PoolStatistics& statistics);
  PoolTotals& operator+=(const PoolTotals& other);
};

// With the sums of the times, for what is added up over pools that are not there any more.
struct ServedTotals {
  PoolTotals totals;
  std::uint64_t request_us = 0;
  std::uint64_t transaction_us = 0;
  std::uint64_t wait_us = 0;

  ServedTotals& operator+=(const ServedTotals& other);
};

struct PoolFigures {
  PoolKey key;
  int clients = 0;  // logged in, whatever they do
  std::size_t clients_waiting = 0;
  int servers_active = 0;     // with a client
  int servers_listening = 0;  // for all clients that listen
  int servers_pinned = 0;     // of these: kept between transactions, because what they hold can't travel
  int servers_idle = 0;
  int servers_settling = 0;  // rolled back, reset, or held for a cancel request
  std::size_t servers_connecting = 0;
  int size = 0;  // servers that it may have
  Duration oldest_wait{};
  bool is_overloaded = false;
  PoolTotals totals;
  Durations request_time;
  Durations transaction_time;
  Durations wait_time;

  int servers() const { return servers_active + servers_listening + servers_idle + servers_settling; }
  int clients_idle() const {
    return std::max(0, clients - servers_active - static_cast<int>(clients_waiting));
  }
  ServedTotals served() const;
  // The same pool on another worker.
  PoolFigures& operator+=(const PoolFigures& other);
};

}  // namespace ballast
