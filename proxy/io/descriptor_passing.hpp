// Open sockets that go from one process to another over a unix socket (unix(7), SCM_RIGHTS), and who is at
// its other end. No state of their own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/socket.hpp"

namespace ballast {

struct Parcel {
  std::string text;
  std::vector<FileDescriptor> sockets;
};

// So many go in one parcel.
inline constexpr std::size_t parcel_sockets_max = 64;

// One message, whole or not at all; false: it can't be sent.
bool send_parcel(int socket, std::string_view text, std::span<const int> sockets);
// The next message of a socket that keeps messages apart (SOCK_SEQPACKET); nothing: there is none, and none
// will come if the other side has closed it.
std::optional<Parcel> receive_parcel(int socket);

// The user whose process is at the other end (SO_PEERCRED), as it was when that one connected or listened.
struct PeerProcess {
  unsigned user = 0;
  int pid = 0;
};
std::optional<PeerProcess> peer_process(int socket);

// Where a socket listens: "127.0.0.1:6432", "/tmp/.s.PGSQL.6432"; empty: it does not listen.
std::string listening_address(int socket);

}  // namespace ballast
