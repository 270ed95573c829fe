// The counter table: under which name, and with which label, each Counter is known to Prometheus. Immutable.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/counters.hpp"

namespace ballast {

struct CounterEntry {
  Counter Counters::*counter;
  std::string_view family;  // without "ballast_" and "_total"
  std::string_view label;   // its name; empty: none
  std::string_view value;
  std::string_view help;  // of the family; with its first entry only
};

// Entries of one family are neighbours.
std::span<const CounterEntry> counter_table();

}  // namespace ballast
