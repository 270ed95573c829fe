// Console: answers what is asked on the admin console. SHOW gathers from the workers; what changes something
// goes to Administration; who may do what is checked here, by the settings in force at that moment.
//
// Lives on the control thread; ask() may be called from any.
#pragma once

#include <functional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/app/administration.hpp"
#include "proxy/app/console_session.hpp"
#include "proxy/app/pool_history.hpp"
#include "proxy/app/worker.hpp"

namespace ballast {

class Console {
 public:
  using Done = std::function<void(ConsoleAnswer)>;
  using Doors = std::function<std::vector<StreamFigures>()>;

  // `doors`: the listening sockets.
  Console(boost::asio::io_context& control, Household& household, LiveSettings& settings,
          Administration& administration, Doors doors);

  // `done` is called on the control thread; never, if the process ends before.
  void ask(ConsoleRequest request, Done done);
  // The workers are there: from now on it remembers what they have served.
  void start() { remember(); }

 private:
  void answer(const ConsoleRequest& request, const Done& done);
  void show(const ConsoleRequest& request, const Done& done);
  void command(const ConsoleRequest& request, const Done& done);
  void fill_in(ConsoleFigures& figures) const;
  void remember();

  boost::asio::io_context& control_;
  Household& household_;
  LiveSettings& settings_;
  Administration& administration_;
  Doors doors_;
  PoolHistory history_;
  boost::asio::steady_timer timer_{control_};
};

}  // namespace ballast
