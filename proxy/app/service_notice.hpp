// ServiceNotice: tells systemd how the process is (sd_notify(3), Type=notify): datagrams to $NOTIFY_SOCKET.
// Does nothing where that is not set. Control thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>

#include "proxy/app/environment.hpp"

namespace ballast {

class ServiceNotice {
 public:
  ServiceNotice(boost::asio::io_context& context, const Environment& environment);

  void ready();
  // ready() follows, whether it succeeds or not.
  void reloading();
  void stopping();
  // One line for `systemctl status`; sent when it has changed.
  void status(const std::string& text);
  // Another process has taken our place.
  void main_process(int pid);

  // How long systemd waits for alive() before it takes us for hung; 0: it does not wait (WATCHDOG_USEC).
  std::chrono::microseconds watchdog() const { return watchdog_; }
  void alive();

 private:
  void send(std::string_view text);

  boost::asio::local::datagram_protocol::socket socket_;
  std::string address_;  // with a zero byte in front: abstract; empty: nobody listens
  std::string status_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace ballast
