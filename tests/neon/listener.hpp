// Listener: accepts clients, or refuses them in the way of knobs.refuse: nobody listens, or nobody even
// answers.
//
// apply() after the knob has changed. One thread.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "tests/neon/world.hpp"

namespace ballast::neon {

class Listener {
 public:
  // "127.0.0.1:0": a port that the system chooses, and that stays the same.
  Listener(World& world, const std::string& address);

  int port() const { return address_.port(); }
  void apply();

 private:
  void open();
  Task<void> accept();

  World& world_;
  asio::ip::tcp::endpoint address_;
  std::optional<asio::ip::tcp::acceptor> acceptor_;
};

}  // namespace ballast::neon
