// FileDescriptor, and the few things that are done to a socket and to an address. No state of their own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace ballast {

struct UpstreamTarget;

// Owns a descriptor; closes it.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd_; }
  // The caller's from now on.
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A socket address of any family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  // As in Route::address.
  std::string raw() const { return {reinterpret_cast<const char*>(&storage), size}; }
  static SocketAddress from_raw(std::string_view raw);
};

// "127.0.0.1:5432", "[::1]:5432", "/tmp/.s.PGSQL.5432", or "unix" for a socket without a name.
std::string text_of(const SocketAddress& address);
std::string error_text(int error_number);
// An address in two parts: "127.0.0.1" and 5432, "::1" and 5432; "unix" and 0 for any unix socket.
struct HostAndPort {
  std::string host;
  int port = 0;
};
HostAndPort host_and_port(const SocketAddress& address);
// Of a socket: its own end, and the other.
SocketAddress local_address(int fd);
SocketAddress peer_address(int fd);

// The address that `text` is, if it is one: "10.0.0.1", "::1", "fe80::1%eth0".
std::vector<SocketAddress> numeric_address(const std::string& text, std::uint16_t port);
// <folder>/.s.PGSQL.<port>; a folder that begins with '@' is in the abstract name space. Empty if it is too
// long.
std::vector<SocketAddress> unix_address(const std::string& folder, std::uint16_t port);

// TCP_NODELAY and, as the target says, keepalives and TCP_USER_TIMEOUT. No effect on a unix socket.
void set_server_options(int fd, const UpstreamTarget& target);
// Non-blocking; and on TCP: TCP_NODELAY and keepalives.
void set_client_options(int fd);

}  // namespace ballast
