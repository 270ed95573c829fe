// Worker: one thread with its own loop, pools and client sessions. What is public may be called from any
// thread; it is carried out on the worker's own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "protocol/startup.hpp"

#include "proxy/app/console_set.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/base/user_file.hpp"
#include "proxy/io/connector.hpp"
#include "proxy/io/random.hpp"
#include "proxy/io/reactor.hpp"
#include "proxy/pool/pool_set.hpp"
#include "proxy/session/session_set.hpp"

namespace ballast {

class ClientTlsContext;
class Resolver;
class Worker;

// What all workers are given at start or reload. Immutable.
struct Configuration {
  Settings settings;
  UserSecrets secrets;
  std::shared_ptr<const ClientTlsContext>
      client_tls;  // null: TLS is off. Also held by connections of before a reload
};

// What workers share.
struct Household {
  // Answers what is asked on the console: Console::ask. Called on any worker's thread, calls back on the
  // control thread. Set before the workers start; empty: there is no console.
  std::function<void(ConsoleRequest, std::function<void(ConsoleAnswer)>)> ask_console;
  Broker broker;
  std::atomic<int> clients{0};
  std::string mock_key;
  // Carries a CancelRequest that no worker knows to the process whose place this one has taken; empty: there
  // is none. Any thread; `done` is called on another.
  std::function<void(const CancelRequest&, std::function<void()> done)> cancel_at_predecessor;
  std::vector<std::unique_ptr<Worker>> workers;
};

class Worker {
 public:
  Worker(int index, Household& household, Resolver& resolver,
         std::shared_ptr<const Configuration> configuration);
  ~Worker();  // stops the thread and waits for it

  void start();
  void accept(FileDescriptor socket);
  void configure(std::shared_ptr<const Configuration> configuration);
  void drain();
  void cancel(const CancelRequest& request, std::function<void()> done);
  const Counters& counters() const { return pools_.counters(); }
  const ConnectTimes& connect_times() const { return pools_.connect_times(); }
  const ErrorCounters& errors() const { return pools_.errors(); }
  // By how much its loop was late for its tick: what any task or socket may have had to wait.
  const Histogram& loop_lag() const { return loop_lag_; }
  std::size_t spare_buffer_bytes() const { return spare_buffer_bytes_.load(std::memory_order_relaxed); }
  // How the pools stand, each under its ordinary key, maybe in parts; `done` is called on the worker's own
  // thread.
  void report(std::function<void(std::vector<PoolFigures>)> done);
  // Something to be done with its pools and sessions, on the worker's own thread.
  using Work = std::function<void(PoolSet&, SessionSet&)>;
  void with(Work work);
  using ConsoleWork = std::function<void(PoolSet&, SessionSet&, ConsoleSet&)>;
  void with_consoles(ConsoleWork work);
  // Runs a task of another worker's, in its own thread.
  void post(std::function<void()> task) { reactor_.post(std::move(task)); }

  // How late its loop is by now for its next tick. Any thread.
  Duration overdue() const;
  int client_count() const { return client_count_.load(std::memory_order_relaxed); }

 private:
  void run();
  void ask_console(ConsoleRequest request, std::function<void(ConsoleAnswer)> done);
  void cancel_elsewhere(const CancelRequest& request, std::function<void()> done);

  int index_;
  Household& household_;
  std::shared_ptr<const Configuration> configuration_;  // shared with the other workers
  Reactor reactor_;
  SystemRandom random_;
  SocketConnector connector_;
  World world_;
  PoolSet pools_;
  SessionSet sessions_;
  ConsoleSet consoles_;
  Histogram loop_lag_;
  std::atomic<std::size_t> spare_buffer_bytes_{0};
  std::atomic<int> client_count_{0};
  std::atomic<Duration::rep> next_tick_{Duration::max().count()};  // when it is due
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace ballast
