// CheckNetwork: the way to a host as far as TCP: its addresses, and which of them answer. Blocks; for
// commands that end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ballast {

double milliseconds_since(std::chrono::steady_clock::time_point begin);

struct LookUp {
  std::vector<std::string> addresses;  // numeric, in the system's order; each once
  std::string error;                   // empty: there are some
  double time_ms = 0;
};

LookUp look_up(const std::string& host);

struct TcpAttempt {
  std::string address;
  std::string error;  // empty: it answers
  double time_ms = 0;
};

// All at once; each is given up after the timeout. In the order of `addresses`.
std::vector<TcpAttempt> try_addresses(const std::vector<std::string>& addresses, std::uint16_t port,
                                      std::chrono::milliseconds timeout);

}  // namespace ballast
