#include "proxy/app/pool_history.hpp"

#include <utility>

namespace ballast {

// Nothing had been served then.
PoolHistory::PoolHistory(TimePoint begin) {
  PastFigures nothing;
  nothing.at = begin;
  marks_.push_back(std::make_shared<const PastFigures>(std::move(nothing)));
}

void PoolHistory::note(const ConsoleFigures& figures) {
  PastFigures mark;
  mark.at = figures.now;
  mark.databases = served(figures);
  for (const PoolFigures& pool : figures.pools) mark.pools.emplace(pool.key, pool);
  marks_.push_back(std::make_shared<const PastFigures>(std::move(mark)));
  while (marks_.size() > 1 && figures.now - marks_[1]->at >= window) marks_.pop_front();
}

}  // namespace ballast
