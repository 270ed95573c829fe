#include "proxy/app/chronicle.hpp"

#include <algorithm>
#include <utility>

namespace ballast {

namespace {

// A pool that is gone has taken its totals with it; one of the same name begins again.
std::uint64_t more(std::uint64_t now, std::uint64_t before) { return now >= before ? now - before : now; }

std::uint64_t shed_in(const Census& census) {
  std::uint64_t shed = 0;
  for (const Counters* const counters : census.counters) {
    shed += counters->shed_queue_target.value() + counters->shed_max_queue.value() +
            counters->refused_hopeless.value();
  }
  return shed;
}

// What a figure has grown by, a second.
class Rate {
 public:
  explicit Rate(Duration passed) : passed_s_(std::chrono::duration<double>(passed).count()) {}
  double of(std::uint64_t count) const { return passed_s_ > 0 ? static_cast<double>(count) / passed_s_ : 0; }

 private:
  double passed_s_;
};

}  // namespace

void Chronicle::note(TimePoint now, std::chrono::system_clock::time_point wall, const Census& census) {
  const bool is_first = points_.empty();
  Point point;
  point.at_s = std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
  point.upstream = census.upstream.state;
  point.clients = census.clients;
  std::map<PoolKey, Past> still_there;
  std::uint64_t queries = 0;
  std::uint64_t transactions = 0;
  Durations requests;
  for (const PoolFigures& pool : census.pools) {
    Past& past = still_there[pool.key] = std::move(past_[pool.key]);
    past.request.note(now, pool.request_time);
    past.transaction.note(now, pool.transaction_time);
    past.wait.note(now, pool.wait_time);
    Durations fresh = pool.request_time;
    if (fresh.count() >= past.last_request.count()) fresh -= past.last_request;
    requests += fresh;
    queries += more(pool.totals.queries, past.last_totals.queries);
    transactions += more(pool.totals.transactions, past.last_totals.transactions);
    past.last_request = pool.request_time;
    past.last_totals = pool.totals;
    point.clients_active += pool.servers_active;
    point.clients_waiting += pool.clients_waiting;
    point.servers += pool.servers();
    point.servers_pinned += pool.servers_pinned;
  }
  past_ = std::move(still_there);
  const Rate rate(is_first ? Duration{} : now - last_at_);
  point.queries_per_s = rate.of(queries);
  point.transactions_per_s = rate.of(transactions);
  point.shed_per_s = rate.of(more(shed_in(census), std::exchange(last_shed_, shed_in(census))));
  point.p50 = requests.percentile(0.50);
  point.p95 = requests.percentile(0.95);
  point.p99 = requests.percentile(0.99);
  last_at_ = now;
  points_.push_back(point);
  if (points_.size() > points_max) points_.pop_front();
}

RecentTimes Chronicle::recent(const PoolFigures& pool) const {
  const auto found = past_.find(pool.key);
  if (found == past_.end()) return {pool.request_time, pool.transaction_time, pool.wait_time};
  const Past& past = found->second;
  return {past.request.recent(pool.request_time), past.transaction.recent(pool.transaction_time),
          past.wait.recent(pool.wait_time)};
}

}  // namespace ballast
