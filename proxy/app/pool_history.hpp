// PoolHistory: what had been served a while ago, so that what has been served since can be told: averages and
// percentiles of the last minute or so. Control thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>

#include "proxy/app/console_figures.hpp"

namespace ballast {

class PoolHistory {
 public:
  // How often note() is to be called, and how far back past() looks at least, if there is so much.
  static constexpr std::chrono::seconds step{30};
  static constexpr std::chrono::seconds window{60};

  explicit PoolHistory(TimePoint begin);

  void note(const ConsoleFigures& figures);
  std::shared_ptr<const PastFigures> past() const { return marks_.front(); }

 private:
  std::deque<std::shared_ptr<const PastFigures>> marks_;  // oldest first; shared with answers in the making
};

}  // namespace ballast
