// InheritedSockets: listening sockets that were open before this process: handed over by the one whose place
// it takes, or opened for it by systemd (sd_listen_fds(3): LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES). Taken by
// their addresses; those that nobody takes are closed. Control thread.
#pragma once

#include <string>
#include <vector>

#include "proxy/app/environment.hpp"
#include "proxy/io/socket.hpp"

namespace ballast {

class InheritedSockets {
 public:
  struct Item {
    std::string address;
    std::string name;  // what systemd calls it
    FileDescriptor socket;
  };

  InheritedSockets() = default;
  // Those of systemd; none if they are not for this process. They replace what the settings say of addresses.
  static InheritedSockets of_service(const Environment& environment);

  void add(FileDescriptor socket, std::string name);
  // Nothing: there is no such one.
  FileDescriptor take(const std::string& address);
  // Named so by systemd.
  FileDescriptor take_named(const std::string& name);
  std::vector<Item> take_all() { return std::exchange(items_, {}); }
  bool are_of_service() const { return are_of_service_; }

 private:
  std::vector<Item> items_;
  bool are_of_service_ = false;
};

}  // namespace ballast
