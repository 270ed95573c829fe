#include "proxy/io/descriptor_passing.hpp"

#include <array>
#include <utility>

#include <netinet/in.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace ballast {
namespace {

std::pair<FileDescriptor, FileDescriptor> pair_of_sockets() {
  std::array<int, 2> both{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, both.data()) == 0);
  return {FileDescriptor(both[0]), FileDescriptor(both[1])};
}

FileDescriptor listening_socket() {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

}  // namespace

TEST_CASE("a parcel has its text and its sockets, and is one message") {
  const auto [here, there] = pair_of_sockets();
  const FileDescriptor one = listening_socket();
  const FileDescriptor other = listening_socket();
  const std::array<int, 2> sockets{one.get(), other.get()};
  CHECK(send_parcel(here.get(), "first", sockets));
  CHECK(send_parcel(here.get(), "second", {}));
  const auto first = receive_parcel(there.get());
  REQUIRE(first);
  CHECK(first->text == "first");
  REQUIRE(first->sockets.size() == 2);
  CHECK(listening_address(first->sockets[0].get()) == listening_address(one.get()));
  CHECK(listening_address(first->sockets[1].get()) == listening_address(other.get()));
  const auto second = receive_parcel(there.get());
  REQUIRE(second);
  CHECK(second->text == "second");
  CHECK(second->sockets.empty());
  CHECK_FALSE(receive_parcel(there.get()));
}

TEST_CASE("what is too large for a parcel is not sent, and nothing comes from who has gone") {
  auto [here, there] = pair_of_sockets();
  CHECK_FALSE(send_parcel(here.get(), std::string(1'000'000, 'x'), {}));
  CHECK_FALSE(send_parcel(here.get(), "x", std::vector<int>(parcel_sockets_max + 1, here.get())));
  there = {};
  CHECK_FALSE(send_parcel(here.get(), "x", {}));
  CHECK_FALSE(receive_parcel(here.get()));
}

TEST_CASE("the other end tells its user and its process") {
  const auto [here, there] = pair_of_sockets();
  const auto peer = peer_process(here.get());
  REQUIRE(peer);
  CHECK(peer->user == ::geteuid());
  CHECK(peer->pid == ::getpid());
}

TEST_CASE("only what listens has a listening address") {
  const auto [here, there] = pair_of_sockets();
  CHECK(listening_address(here.get()).empty());
  CHECK(listening_address(listening_socket().get()).starts_with("127.0.0.1:"));
}

}  // namespace ballast
