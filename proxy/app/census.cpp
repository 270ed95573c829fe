#include "proxy/app/census.hpp"

#include <map>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

namespace ballast {

namespace {

struct Count {
  Census census;
  std::map<PoolKey, PoolFigures> pools;
  std::size_t missing = 0;
  std::function<void(Census)> done;
};

void add(Count& count, std::vector<PoolFigures> figures) {
  for (PoolFigures& pool : figures) {
    const auto [at, is_new] = count.pools.try_emplace(pool.key, std::move(pool));
    if (!is_new) at->second += pool;
  }
  if (--count.missing > 0) return;
  for (auto& [key, pool] : count.pools) count.census.pools.push_back(std::move(pool));
  count.done(std::move(count.census));
}

}  // namespace

void take_census(boost::asio::io_context& control, Household& household, int max_clients,
                 std::function<void(Census)> done) {
  // Shared by the answers that are to come.
  const auto count = std::make_shared<Count>();
  count->missing = household.workers.size();
  count->done = std::move(done);
  Census& census = count->census;
  census.upstream = household.broker.upstream().state();
  census.keepalive = household.broker.keepalive().figures();
  census.clients = household.clients.load();
  census.max_clients = max_clients;
  for (const auto& worker : household.workers) {
    census.counters.push_back(&worker->counters());
    worker->report([&control, count](std::vector<PoolFigures> figures) {
      boost::asio::post(control,
                        [count, figures = std::move(figures)]() mutable { add(*count, std::move(figures)); });
    });
  }
}

}  // namespace ballast
