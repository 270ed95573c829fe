#include "proxy/app/survey.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "proxy/app/pool_report.hpp"

namespace ballast {

namespace {

// Of a long text its beginning tells which it is.
constexpr std::size_t text_shown_max = 1000;

struct Part {
  std::vector<PoolFigures> pools;
  std::map<std::string, ServedTotals> departed;
  std::vector<std::string> users;
  std::vector<ServerFigures> servers;
  std::vector<ClientFigures> clients;
  std::vector<StatementFigures> statements;
};

Part part_of(PoolSet& pools, const SessionSet& sessions, const ConsoleSet& consoles, Depth depth) {
  Part part;
  part.departed = pools.departed();
  part.pools = pool_figures(pools, sessions);
  if (depth >= Depth::servers) {
    part.servers = server_figures(pools, sessions);
    part.users = pools.users().names();
  }
  if (depth >= Depth::clients) {
    for (const auto& session : sessions.sessions()) part.clients.push_back(session->figures());
    std::ranges::move(consoles.figures(), std::back_inserter(part.clients));
  }
  if (depth >= Depth::statements) {
    pools.statements().visit([&part](const Statement& statement, std::size_t holders) {
      const std::string_view definition = statement.definition();
      const std::size_t size = std::min(definition.find('\0'), text_shown_max);
      part.statements.push_back({statement.id(), std::string(definition.substr(0, size)), holders});
    });
  }
  return part;
}

struct Sum {
  ConsoleFigures figures;
  std::map<PoolKey, PoolFigures> pools;
  std::size_t missing = 0;
  std::function<void(ConsoleFigures)> done;
};

void add(Sum& sum, Part part) {
  for (PoolFigures& pool : part.pools) {
    const auto [at, is_new] = sum.pools.try_emplace(pool.key, std::move(pool));
    if (!is_new) at->second += pool;
  }
  for (const auto& [database, totals] : part.departed) sum.figures.departed[database] += totals;
  sum.figures.users = std::move(part.users);  // the same everywhere
  std::ranges::move(part.servers, std::back_inserter(sum.figures.servers));
  std::ranges::move(part.clients, std::back_inserter(sum.figures.clients));
  std::ranges::move(part.statements, std::back_inserter(sum.figures.statements));
  if (--sum.missing > 0) return;
  for (auto& [key, pool] : sum.pools) sum.figures.pools.push_back(std::move(pool));
  sum.figures.now = Clock::now();
  sum.figures.wall = std::chrono::system_clock::now();
  sum.done(std::move(sum.figures));
}

}  // namespace

void take_survey(boost::asio::io_context& control, Household& household, Depth depth,
                 std::function<void(ConsoleFigures)> done) {
  // Shared by the answers that are to come.
  const auto sum = std::make_shared<Sum>();
  sum->missing = household.workers.size();
  sum->done = std::move(done);
  for (const auto& worker : household.workers) {
    worker->with_consoles([&control, sum, depth](PoolSet& pools, SessionSet& sessions, ConsoleSet& consoles) {
      boost::asio::post(control, [sum, part = part_of(pools, sessions, consoles, depth)]() mutable {
        add(*sum, std::move(part));
      });
    });
  }
}

}  // namespace ballast
