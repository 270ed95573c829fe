// NoticeReader: the socket on which systemd hears of its services.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include <doctest/doctest.h>

#include "proxy/io/socket.hpp"

namespace ballast {

class NoticeReader {
 public:
  // A path; or, with a zero byte in front, a name in the abstract name space.
  explicit NoticeReader(const std::string& address)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    REQUIRE(address.size() < sizeof name.sun_path);
    address.copy(name.sun_path, address.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
  }

  // The next thing that it was told; empty: nothing.
  std::string told() const {
    std::array<char, 1000> room{};
    const ssize_t size = ::recv(socket_.get(), room.data(), room.size(), 0);
    return size < 0 ? "" : std::string(room.data(), static_cast<std::size_t>(size));
  }

 private:
  FileDescriptor socket_;
};

}  // namespace ballast
