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

// What any thread may read.
void add_worker(const Worker& worker, Census& census) {
  census.counters.push_back(&worker.counters());
  census.errors.push_back(&worker.errors());
  const ConnectTimes& times = worker.connect_times();
  times.connect.add_to(census.connects.connect);
  times.tls.add_to(census.connects.tls);
  times.login.add_to(census.connects.login);
  times.wake.add_to(census.connects.wake);
  times.client_login.add_to(census.connects.client_login);
  Census::OfWorker figures;
  figures.clients = worker.client_count();
  worker.loop_lag().add_to(figures.loop_lag);
  figures.spare_buffer_bytes = worker.spare_buffer_bytes();
  census.workers.push_back(std::move(figures));
}

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
  census.upstream = household.broker.upstream().figures();
  census.keepalive = household.broker.keepalive().figures();
  census.clients = household.clients.load();
  census.max_clients = max_clients;
  for (const auto& worker : household.workers) {
    add_worker(*worker, census);
    worker->report([&control, count](std::vector<PoolFigures> figures) {
      boost::asio::post(control,
                        [count, figures = std::move(figures)]() mutable { add(*count, std::move(figures)); });
    });
  }
}

}  // namespace ballast
