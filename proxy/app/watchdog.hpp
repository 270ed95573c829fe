// Watchdog: shows systemd that the process lives, for as long as every worker's loop turns. A loop that is
// late by half of what systemd waits for is taken for stuck: then systemd hears nothing, and starts us anew.
// Control thread.
#pragma once

#include <chrono>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/app/service_notice.hpp"
#include "proxy/app/worker.hpp"

namespace ballast {

class Watchdog {
 public:
  Watchdog(boost::asio::io_context& control, const Household& household, ServiceNotice& notice);

  // From the workers' start on.
  void start();

 private:
  void look();

  const Household& household_;
  ServiceNotice& notice_;
  boost::asio::steady_timer timer_;
};

}  // namespace ballast
