// ConcurrencyLimit: how many servers a pool may use at once so that the database answers about as fast as if
// it had little to do (pool_target = latency). One thread; pure.
//
// More statements at once than the database has cores and disks for don't make it faster, they make each wait
// inside it, where nobody can shed or reorder it. What "fast" is no setting knows: it depends on the
// statements. So now and then, for one window of time, half as many servers are used, and what that takes is
// compared: while all of them are hardly slower than half of them, there may be more; where they are much
// slower, there must be fewer. (The idea of TCP Vegas, Brakmo and Peterson 1995, and for servers of Netflix'
// concurrency-limits. These compare with the lowest time ever seen, which takes a change of the statements
// for a change of the load.)
//
// Of the times the geometric mean counts: a few long reports among many short statements move it little.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "proxy/io/world.hpp"

namespace ballast {

class ConcurrencyLimit {
 public:
  // Of at most `most`.
  int value(int most) const;
  // A statement took that long on its server, while so many were in use and so many clients waited.
  struct Load {
    int in_use;
    int most;
    std::size_t waiting;
  };
  void sample(TimePoint now, Duration server_time, const Load& load);

 private:
  void end_window(int most);
  void judge(double slower, int most);

  int limit_ = std::numeric_limits<int>::max();  // none until it has shown to be needed
  bool is_searching_ = true;                     // by halves, until half as many are faster no more
  bool is_probing_ = false;                      // this window is one with half as many
  int until_probe_ = 1;                          // windows
  std::optional<double> unloaded_;               // what it took with half as many, in log2 of microseconds
  TimePoint window_began_;
  double sum_ = 0;  // of the logarithms of this window
  std::int64_t count_ = 0;
  std::int64_t limited_ = 0;  // of these, while others waited
};

}  // namespace ballast
