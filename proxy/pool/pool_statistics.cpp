#include "proxy/pool/pool_statistics.hpp"

#include <algorithm>

namespace ballast {

PoolTotals PoolTotals::of(const PoolStatistics& statistics) {
  PoolTotals totals;
  totals.transactions = statistics.transactions.value();
  totals.queries = statistics.queries.value();
  totals.bytes_received = statistics.bytes_received.value();
  totals.bytes_sent = statistics.bytes_sent.value();
  totals.server_assignments = statistics.wait_time.count();
  totals.client_parses = statistics.client_parses.value();
  totals.server_parses = statistics.server_parses.value();
  totals.binds = statistics.binds.value();
  return totals;
}

PoolTotals& PoolTotals::operator+=(const PoolTotals& other) {
  transactions += other.transactions;
  queries += other.queries;
  bytes_received += other.bytes_received;
  bytes_sent += other.bytes_sent;
  server_assignments += other.server_assignments;
  client_parses += other.client_parses;
  server_parses += other.server_parses;
  binds += other.binds;
  return *this;
}

ServedTotals& ServedTotals::operator+=(const ServedTotals& other) {
  totals += other.totals;
  request_us += other.request_us;
  transaction_us += other.transaction_us;
  wait_us += other.wait_us;
  return *this;
}

ServedTotals PoolFigures::served() const {
  const auto us = [](const Durations& durations) {
    return static_cast<std::uint64_t>(durations.sum().count());
  };
  return {totals, us(request_time), us(transaction_time), us(wait_time)};
}

PoolFigures& PoolFigures::operator+=(const PoolFigures& other) {
  clients += other.clients;
  clients_waiting += other.clients_waiting;
  servers_active += other.servers_active;
  servers_listening += other.servers_listening;
  servers_pinned += other.servers_pinned;
  servers_idle += other.servers_idle;
  servers_settling += other.servers_settling;
  servers_connecting += other.servers_connecting;
  oldest_wait = std::max(oldest_wait, other.oldest_wait);
  is_overloaded = is_overloaded || other.is_overloaded;
  totals += other.totals;
  request_time += other.request_time;
  transaction_time += other.transaction_time;
  wait_time += other.wait_time;
  return *this;
}

}  // namespace ballast
