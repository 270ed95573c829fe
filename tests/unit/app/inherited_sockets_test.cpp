#include "proxy/app/inherited_sockets.hpp"

#include <string>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include "proxy/app/listener.hpp"

namespace ballast {
namespace {

using boost::asio::ip::tcp;

struct Listening {
  boost::asio::io_context context;
  tcp::acceptor acceptor{context, tcp::endpoint(tcp::v4(), 0)};

  FileDescriptor copy() { return FileDescriptor(::dup(acceptor.native_handle())); }
  std::string address() { return "0.0.0.0:" + std::to_string(acceptor.local_endpoint().port()); }
};

}  // namespace

TEST_CASE("an inherited socket is taken once, by its address or its name") {
  Listening one, other;
  InheritedSockets sockets;
  sockets.add(one.copy(), "");
  sockets.add(other.copy(), "http");
  CHECK_FALSE(sockets.take("0.0.0.0:1"));
  CHECK(sockets.take(one.address()));
  CHECK_FALSE(sockets.take(one.address()));
  CHECK(sockets.take_named("http"));
  CHECK(sockets.take_all().empty());
}

TEST_CASE("what does not listen is not kept") {
  InheritedSockets sockets;
  sockets.add(FileDescriptor(::dup(0)), "");
  CHECK(sockets.take_all().empty());
}

TEST_CASE("systemd's sockets are for the process that it names") {
  CHECK_FALSE(InheritedSockets::of_service({}).are_of_service());
  CHECK_FALSE(InheritedSockets::of_service({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "2"}}).are_of_service());
}

TEST_CASE("a listener takes inherited sockets for its own, and leaves the others") {
  Listening inherited, another;
  Settings settings;
  settings.listen_addr = "0.0.0.0";
  settings.listen_port = inherited.acceptor.local_endpoint().port();
  InheritedSockets sockets;
  sockets.add(inherited.copy(), "");
  sockets.add(another.copy(), "");
  boost::asio::io_context context;
  const Listener listener(
      context, settings, [](FileDescriptor) {}, std::move(sockets));
  CHECK(listener.addresses() == std::vector<std::string>{inherited.address()});
}

}  // namespace ballast
