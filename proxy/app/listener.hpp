// Listener: the sockets that clients connect to. Control thread; what it accepts goes to whoever it is told.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy/base/settings.hpp"
#include "proxy/io/socket.hpp"

namespace ballast {

// One line: which address, and what is wrong with it.
struct ListenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Listener {
 public:
  using Accepted = std::function<void(FileDescriptor)>;

  // Binds everything that the settings name (listen_addr, listen_port, unix_socket_dir); throws ListenError.
  Listener(boost::asio::io_context& context, const Settings& settings, Accepted accepted);
  ~Listener();

  // No new clients from now on. Also removes the unix socket.
  void close();
  // "127.0.0.1:6432", "[::1]:6432", "/tmp/.s.PGSQL.6432"
  std::vector<std::string> addresses() const;

 private:
  class Door;

  std::vector<std::unique_ptr<Door>> doors_;
};

}  // namespace ballast
