// World: what all parts of the simulator share. One thread; everything in it lives as long as the program.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/neon/compute.hpp"
#include "tests/neon/connection.hpp"
#include "tests/neon/front_tls.hpp"
#include "tests/neon/permits.hpp"
#include "tests/neon/postmaster.hpp"
#include "tests/neon/roles.hpp"
#include "tests/neon/rules/cancel_map.hpp"
#include "tests/neon/rules/faults.hpp"
#include "tests/neon/rules/knobs.hpp"
#include "tests/neon/rules/leaky_bucket.hpp"
#include "tests/neon/timekeeper.hpp"

namespace ballast::neon {

struct Options {
  Database database;
  std::string data_folder;  // empty: PostgreSQL is never really stopped
  std::string program_folder;
  std::string listen = "127.0.0.1:0";
  std::string certificate_file;
  std::string key_file;
  std::string lowest_tls = "1.2";
  std::string domain = "sim.localtest";
  std::string endpoint = "ep-quiet-lamp-123456";
  std::vector<std::string> roles;  // name=secret
  Knobs knobs;
};

// A connection's life, in real time since it was accepted.
struct Timeline {
  std::uint64_t id = 0;
  std::string user;
  Seconds accepted{0};  // simulated
  Milliseconds tls{0};
  Milliseconds startup{0};
  Milliseconds auth{0};
  Milliseconds ready{0};  // 0: it never was
  Milliseconds held{0};   // of which it waited for the compute
};

struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t logins = 0;
  std::uint64_t cancels = 0;
  std::uint64_t client_flights = 0;  // reads from clients in sessions
  std::uint64_t closed_without_word = 0;
  std::map<int, std::uint64_t> errors_by_row;
  std::deque<Timeline> timelines;  // the last ones
  std::vector<std::pair<std::string, Seconds>> marks;
};

struct World {
  World(Executor executor_, const Options& options_);

  Executor executor;
  Options options;
  Knobs knobs;
  Timekeeper time;
  Dice dice;
  FrontTls tls;
  Faults faults;
  CancelMap cancel_keys;
  ConnectionSet connections;
  Counters counters;
  LeakyBucket attempts;
  LeakyBucket wake_calls;
  Permits permits;
  Postmaster postmaster;
  Roles roles;
  Compute compute;
  std::string mock_key;  // for the salts of roles that are not there
};

// Counts it; `row` is one of the table's.
void count_error(World& world, const ErrorRow& row);

}  // namespace ballast::neon
