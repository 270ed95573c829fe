#include "proxy/pool/pool_statistics.hpp"

#include <algorithm>

namespace ballast {

PoolFigures& PoolFigures::operator+=(const PoolFigures& other) {
  clients += other.clients;
  clients_waiting += other.clients_waiting;
  servers_active += other.servers_active;
  servers_idle += other.servers_idle;
  servers_settling += other.servers_settling;
  servers_connecting += other.servers_connecting;
  oldest_wait = std::max(oldest_wait, other.oldest_wait);
  is_overloaded = is_overloaded || other.is_overloaded;
  request_time += other.request_time;
  transaction_time += other.transaction_time;
  wait_time += other.wait_time;
  return *this;
}

}  // namespace ballast
