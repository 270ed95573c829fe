#include "tests/neon/rules/faults.hpp"

#include <algorithm>

namespace ballast::neon {
namespace {

// What Neon's control plane says and its proxy keeps for a while (proxy/src/cache/common.rs). The proxy's own
// limits, what it tries again itself, and what the compute says are never kept.
bool is_cached(const ErrorRow& row) {
  return row.number >= 15 && row.number <= 30 && row.number != row::too_many_attempts;
}

}  // namespace

void Faults::inject(Injection injection) { injections_.push_back(injection); }

std::optional<Fault> Faults::take_for_login(Stage stage, Seconds now, Seconds cache_for) {
  if (const auto cached = cache_.find(stage); cached != cache_.end()) {
    if (now < cached->second.until) return Fault{cached->second.row, Milliseconds(0)};
    cache_.erase(cached);
  }
  std::optional<Fault> fault = take(stage);
  if (!fault && condition_ != nullptr && condition_->stage == stage)
    fault = Fault{condition_, Milliseconds(0)};
  if (fault && is_cached(*fault->row) && cache_for.count() > 0)
    cache_.insert_or_assign(stage, Cached{fault->row, now + cache_for});
  return fault;
}

std::optional<Fault> Faults::take_for_session() { return take(Stage::session); }

std::optional<Fault> Faults::take(Stage stage) {
  const auto found = std::find_if(injections_.begin(), injections_.end(),
                                  [stage](const Injection& injection) { return injection.stage == stage; });
  if (found == injections_.end()) return std::nullopt;
  const Fault fault{found->row, found->after};
  if (found->count && --*found->count == 0) injections_.erase(found);
  return fault;
}

}  // namespace ballast::neon
