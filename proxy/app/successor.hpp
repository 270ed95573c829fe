// Successor: waits for the process that is to take our place, and lets it. Handover says how. Control thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>

#include "proxy/app/handover.hpp"

namespace ballast {

class Successor {
 public:
  struct Hooks {
    std::function<std::vector<int>()> sockets;                                     // all that we listen on
    std::function<void(int pid)> replaced;                                         // it serves
    std::function<void(const CancelRequest&, std::function<void()> done)> cancel;  // of a client of ours
  };

  // The hooks are called by the control thread's loop, not before it runs.
  Successor(boost::asio::io_context& control, const Settings& settings, Hooks hooks);

  // Why nobody can be waited for there; empty: somebody is.
  const std::string& problem() const { return problem_; }

 private:
  void accept();
  void listen();
  void obey(std::string_view text);
  void give_sockets();
  void leave();
  bool say(std::string_view text, const std::vector<int>& sockets = {});

  Hooks hooks_;
  std::string problem_;
  boost::asio::basic_socket_acceptor<handover::Protocol> acceptor_;
  std::optional<handover::Protocol::socket> socket_;  // of the one that is about to replace us, or has
};

}  // namespace ballast
