// ConsoleSet: the console's clients on one worker. They count neither as clients of any pool nor against
// max_client_conn, so that an operator gets in when all others are too many; there is a number of their own.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/app/console_session.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/session/client_figures.hpp"

namespace ballast {

class ConsoleSet final : private ConsoleHost {
 public:
  static constexpr std::size_t sessions_max = 20;

  // Carries a request to whoever answers it. `done` is called on the worker's own thread, in a later turn; or
  // never, if the process ends before.
  using Ask = std::function<void(ConsoleRequest, std::function<void(ConsoleAnswer)> done)>;

  ConsoleSet(Loop& loop, CancelKeys& cancel_keys, Counters& counters, Ask ask);
  ~ConsoleSet();

  // Who may not come in is told so.
  void open(ConsoleClient client, const Settings& settings);
  void tick(TimePoint now, const Settings& settings);
  // By an operator's order. False: there is none with that id.
  bool kill_client(std::uint64_t id);
  // The process ends.
  void say_goodbye();
  std::size_t size() const { return sessions_.size(); }
  std::vector<ClientFigures> figures() const;

 private:
  Loop& loop() override { return loop_; }
  CancelKeys& cancel_keys() override { return cancel_keys_; }
  void ask(const ConsoleSession& session, ConsoleRequest request) override;
  void on_console_ended(ConsoleSession& session) override;
  ConsoleSession* find(std::uint64_t id) const;

  Loop& loop_;
  CancelKeys& cancel_keys_;
  Counters& counters_;
  Ask ask_;
  std::vector<std::unique_ptr<ConsoleSession>> sessions_;
};

}  // namespace ballast
