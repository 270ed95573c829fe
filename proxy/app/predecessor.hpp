// Predecessor: the process whose place this one takes. Handover says how.
//
//   ask()        at start, before anything is bound; blocks for its answer, for at most 5 s
//   sockets()    then, once
//   serve()      when we serve: it leaves
//   cancel()     from then on, as long as it is there
//
// Control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "proxy/app/handover.hpp"
#include "proxy/app/inherited_sockets.hpp"

namespace ballast {

class Predecessor {
 public:
  // Null: nobody serves there. Throws std::runtime_error with one line if somebody does who does not leave.
  static std::unique_ptr<Predecessor> ask(boost::asio::io_context& control, const Settings& settings);

  Predecessor(handover::Protocol::socket socket, InheritedSockets sockets);

  InheritedSockets& sockets() { return sockets_; }
  bool is_there() const { return socket_.is_open(); }
  // Throws std::runtime_error if it has gone away in between.
  void serve();
  // `done` when it has dealt with the request, or has ended.
  void cancel(CancelRequest request, std::function<void()> done);

 private:
  void listen();
  void end();

  handover::Protocol::socket socket_;
  InheritedSockets sockets_;
  std::map<std::uint64_t, std::function<void()>> cancels_;  // on their way
  std::uint64_t last_cancel_ = 0;
};

}  // namespace ballast
