// Theatre: one run: the real pools and sessions on a simulated network and clock, the database behind them,
// clients before them, and what must hold after each turn. The plan that a seed makes decides everything.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/pool/broker.hpp"
#include "proxy/pool/pool_set.hpp"
#include "proxy/session/session_set.hpp"

#include "tests/sim/database.hpp"
#include "tests/sim/journal.hpp"
#include "tests/sim/plan.hpp"
#include "tests/sim/sim_client.hpp"
#include "tests/sim/sim_connector.hpp"
#include "tests/sim/sim_loop.hpp"

namespace ballast::sim {

class Theatre {
 public:
  Theatre(const Plan& plan, Dice dice, Verbosity verbosity);
  ~Theatre();

  // Empty: all went well; else the first thing that did not.
  std::string run();
  bool has_injected_fault() const { return database_.has_injected_fault(); }

  // For the clients.
  SimLoop& loop() { return loop_; }
  Journal& journal() { return journal_; }
  Database& database() { return database_; }
  const Settings& settings() const { return *plan_.settings; }
  std::unique_ptr<SimStream> connect(const std::string& peer);
  void cancel(std::int32_t process_id, std::string_view secret);
  bool is_draining() const { return is_draining_; }
  // A client has lost its server: true if servers have been killed for whom no client has complained yet.
  bool may_lose_server() { return losses_++ < database_.kills(); }

 private:
  class CancelRequester;
  // As app/worker has it, without the thread: all workers of a run take turns on one loop.
  struct Worker {
    Worker(Theatre& theatre, int index);
    PoolSet pools;
    SessionSet sessions;
  };

  void plan_tick();
  void tick();
  void drain();
  void plan_orders();
  void obey(const Gates& gates);
  void check_pause();
  void cancel_elsewhere(const CancelRequest& request, std::function<void()> done);
  void check();
  void check_permits();
  void check_upstream(int permits);
  void check_memory();
  bool are_all_done() const;
  void watch_the_end();
  void check_left_overs(const Worker& worker);
  std::string who_is_left();

  const Plan& plan_;
  SimLoop loop_;
  Dice dice_;
  Journal journal_;
  SimRandom random_;
  Database database_;
  SimConnector connector_;
  World world_;
  Broker broker_;
  std::atomic<int> client_count_{0};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<CancelRequester>> cancels_;
  int losses_ = 0;
  bool is_draining_ = false;
  bool is_paused_ = false;
};

}  // namespace ballast::sim
