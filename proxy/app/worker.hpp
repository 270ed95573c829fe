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
  Broker broker;
  std::atomic<int> clients{0};
  std::string mock_key;
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
  // How the pools stand; `done` is called on the worker's own thread.
  void report(std::function<void(std::vector<PoolFigures>)> done);
  // Runs a task of another worker's, in its own thread.
  void post(std::function<void()> task) { reactor_.post(std::move(task)); }

  int client_count() const { return client_count_.load(std::memory_order_relaxed); }
  // Nothing of any client's is left, once drain() has been called.
  bool is_drained() const { return is_drained_.load(); }

 private:
  void run();
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
  std::atomic<int> client_count_{0};
  std::atomic<bool> is_drained_{false};
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace ballast
