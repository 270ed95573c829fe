// Listener: the sockets that clients connect to. Control thread; what it accepts goes to whoever it is told.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy/app/inherited_sockets.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/socket.hpp"
#include "proxy/io/stream.hpp"

namespace ballast {

// One line: which address, and what is wrong with it.
struct ListenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Listener {
 public:
  using Accepted = std::function<void(FileDescriptor)>;

  // Binds everything that the settings name (listen_addr, listen_port, unix_socket_dir), but for what is
  // inherited; throws ListenError.
  Listener(boost::asio::io_context& context, const Settings& settings, Accepted accepted,
           InheritedSockets inherited = {});
  ~Listener();

  // New clients wait in the system's queue until open().
  void hold();
  void open();
  // No new clients from now on. Also removes the unix socket.
  void close();
  // They belong to another process too, which goes on with them.
  void give_away();
  std::vector<int> sockets();
  // Those that are open, as PgBouncer shows its own: of a unix socket the address is "unix".
  std::vector<StreamFigures> figures();
  // "127.0.0.1:6432", "[::1]:6432", "/tmp/.s.PGSQL.6432"
  std::vector<std::string> addresses() const;

 private:
  class Door;

  void bind(boost::asio::io_context& context, const Settings& settings, const Accepted& accepted,
            InheritedSockets& inherited);
  void bind_tcp(boost::asio::io_context& context, const std::string& item, const Settings& settings,
                const Accepted& accepted, InheritedSockets& inherited);
  void bind_unix(boost::asio::io_context& context, const Settings& settings, const Accepted& accepted,
                 InheritedSockets& inherited);
  std::uint16_t port(const Settings& settings) const;

  std::vector<std::unique_ptr<Door>> doors_;
  bool are_ours_ = true;  // not systemd's, nor another process's by now
};

}  // namespace ballast
