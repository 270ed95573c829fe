#include "proxy/io/descriptor_passing.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ballast {

namespace {

constexpr std::size_t parcel_text_max = 16 * 1024;

union Control {
  cmsghdr header;  // for its alignment
  std::array<char, CMSG_SPACE(parcel_sockets_max * sizeof(int))> room;
};

std::vector<FileDescriptor> sockets_in(msghdr& message) {
  std::vector<FileDescriptor> sockets;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      sockets.emplace_back(fd);
    }
  }
  return sockets;
}

// A signal is no reason to give up.
template <typename Call>
ssize_t until_done(const Call& call) {
  ssize_t size = 0;
  do {
    size = call();
  } while (size < 0 && errno == EINTR);
  return size;
}

}  // namespace

bool send_parcel(int socket, std::string_view text, std::span<const int> sockets) {
  if (text.size() > parcel_text_max || sockets.size() > parcel_sockets_max) return false;
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  Control control{};
  if (!sockets.empty()) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sockets.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sockets.size_bytes());
    std::memcpy(CMSG_DATA(part), sockets.data(), sockets.size_bytes());
  }
  const ssize_t sent = until_done([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); });
  return sent == static_cast<ssize_t>(text.size());
}

std::optional<Parcel> receive_parcel(int socket) {
  std::string text(parcel_text_max, '\0');
  iovec bytes{text.data(), text.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const ssize_t size = until_done([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (size <= 0) return std::nullopt;
  Parcel parcel;
  parcel.sockets = sockets_in(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  parcel.text = std::move(text);
  return parcel;
}

std::optional<PeerProcess> peer_process(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return PeerProcess{credentials.uid, credentials.pid};
}

std::string listening_address(int socket) {
  int is_listening = 0;
  socklen_t flag_size = sizeof is_listening;
  if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &flag_size) != 0 || is_listening == 0)
    return {};
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return {};
  return text_of(address);
}

}  // namespace ballast
