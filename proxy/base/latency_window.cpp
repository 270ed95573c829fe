#include "proxy/base/latency_window.hpp"

namespace ballast {

void LatencyWindow::note(TimePoint now, const Durations& totals) {
  if (!marks_.empty() && totals.count() < marks_.back().totals.count()) marks_.clear();
  if (marks_.empty()) marks_.push_back({now, {}});  // all that there is has come since we began to look
  if (now - marks_.back().at >= step) marks_.push_back({now, totals});
  while (marks_.size() > 1 && now - marks_[1].at >= length) marks_.pop_front();
}

Durations LatencyWindow::recent(const Durations& totals) const {
  Durations recent = totals;
  if (!marks_.empty() && totals.count() >= marks_.back().totals.count()) recent -= marks_.front().totals;
  return recent;
}

}  // namespace ballast
