// Postmaster: stops and starts the real PostgreSQL by pg_ctl, where the simulator was given its data folder.
// Without one, both do nothing: the server runs on, and the simulator's gate alone makes it look asleep.
//
// One thread; one coroutine at a time.
#pragma once

#include <string>
#include <vector>

#include "tests/neon/coroutine.hpp"

namespace ballast::neon {

class Postmaster {
 public:
  // Reads from `data_folder` how the server that runs there was started; empty: it is not ours.
  Postmaster(std::string data_folder, std::string program_folder);

  bool is_owned() const { return !data_folder_.empty(); }
  Task<void> start();
  Task<void> stop();
  void leave();  // at the end: stops a server that it started, and waits for that

 private:
  std::vector<std::string> control(std::vector<std::string> command) const;

  std::string data_folder_;
  std::string program_folder_;
  std::string options_;        // of the postgres program
  bool is_running_ = true;     // does the server run?
  bool is_our_child_ = false;  // did we start it?
};

}  // namespace ballast::neon
