// Journal: what happened in a run. Its first failure is the run's result; notes are printed when a seed is
// replayed.
#pragma once

#include <string>
#include <string_view>

#include "proxy/io/world.hpp"

namespace ballast::sim {

enum class Verbosity { silent, every_event };

class Journal {
 public:
  Journal(const Loop& loop, Verbosity verbosity) : loop_(loop), verbosity_(verbosity) {}

  bool is_silent() const { return verbosity_ == Verbosity::silent; }
  void note(std::string_view who, std::string_view what) {
    if (!is_silent()) print(who, what);
  }
  void fail(std::string_view who, std::string_view what);
  bool has_failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

 private:
  void print(std::string_view who, std::string_view what) const;

  const Loop& loop_;
  Verbosity verbosity_;
  std::string failure_;
};

// "Q SELECT 'c1-4'": a message in a form to read, cut off where it is long.
std::string readable(std::string_view message);

}  // namespace ballast::sim
