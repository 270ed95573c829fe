#include "proxy/io/socket.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/base/upstream_target.hpp"

namespace ballast {
namespace {

// An option that a kernel refuses (a unix socket, a sandbox) is no reason to fail a connection.
void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

void set_seconds(int fd, int name, std::chrono::seconds value) {
  if (value.count() > 0) set_option(fd, IPPROTO_TCP, name, static_cast<int>(value.count()));
}

std::string unix_text(const SocketAddress& address) {
  const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
  const std::size_t length =
      address.size - std::min<std::size_t>(address.size, offsetof(sockaddr_un, sun_path));
  if (length == 0) return "unix";
  if (un.sun_path[0] == '\0') return "@" + std::string(un.sun_path + 1, length - 1);
  return {un.sun_path, ::strnlen(un.sun_path, length)};
}

// A socket that listens on IPv6 for both families sees an IPv4 client as ::ffff:a.b.c.d.
SocketAddress without_mapping(const SocketAddress& address) {
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
  if (in6.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) return address;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = in6.sin6_port;
  std::memcpy(&in.sin_addr, in6.sin6_addr.s6_addr + 12, sizeof in.sin_addr);
  return SocketAddress::from_raw({reinterpret_cast<const char*>(&in), sizeof in});
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

SocketAddress SocketAddress::from_raw(std::string_view raw) {
  SocketAddress address;
  address.size = static_cast<socklen_t>(std::min(raw.size(), sizeof address.storage));
  std::memcpy(&address.storage, raw.data(), address.size);
  return address;
}

HostAndPort host_and_port(const SocketAddress& any_address) {
  const SocketAddress address = without_mapping(any_address);
  if (address.storage.ss_family == AF_UNIX) return {"unix", 0};
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(address.get(), address.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  int number = 0;
  std::from_chars(port.data(), port.data() + ::strnlen(port.data(), port.size()), number);
  return {host.data(), number};
}

std::string text_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_UNIX) return unix_text(address);
  const auto [host, port] = host_and_port(address);
  if (host.empty()) return "unknown address";
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

SocketAddress local_address(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return {};
  return address;
}

SocketAddress peer_address(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return {};
  return address;
}

std::string error_text(int error_number) { return std::generic_category().message(error_number); }

std::vector<SocketAddress> numeric_address(const std::string& text, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
  const auto address =
      SocketAddress::from_raw({reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen});
  ::freeaddrinfo(found);
  return {address};
}

std::vector<SocketAddress> unix_address(const std::string& folder, std::uint16_t port) {
  const std::string path = folder + "/.s.PGSQL." + std::to_string(port);
  sockaddr_un un{};
  if (path.size() >= sizeof un.sun_path) return {};
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  if (path.front() == '@') un.sun_path[0] = '\0';
  return {SocketAddress::from_raw(
      {reinterpret_cast<const char*>(&un), offsetof(sockaddr_un, sun_path) + path.size()})};
}

void set_server_options(int fd, const UpstreamTarget& target) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (target.tcp_user_timeout.count() > 0) {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(target.tcp_user_timeout.count()));
  }
  if (!target.keepalives) return;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_seconds(fd, TCP_KEEPIDLE, target.keepalives_idle);
  set_seconds(fd, TCP_KEEPINTVL, target.keepalives_interval);
  if (target.keepalives_count > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, target.keepalives_count);
}

void set_client_options(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace ballast
