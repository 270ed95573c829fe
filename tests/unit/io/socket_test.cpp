#include "proxy/io/socket.hpp"

#include <chrono>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <doctest/doctest.h>

#include "proxy/base/upstream_target.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

}  // namespace

TEST_CASE("numeric addresses are read, names are not") {
  CHECK(text_of(numeric_address("127.0.0.1", 5432).at(0)) == "127.0.0.1:5432");
  CHECK(text_of(numeric_address("::1", 5432).at(0)) == "[::1]:5432");
  CHECK(numeric_address("localhost", 5432).empty());
  CHECK(numeric_address("", 5432).empty());
}

TEST_CASE("an IPv4 client of an IPv6 socket is shown as IPv4") {
  CHECK(text_of(numeric_address("::ffff:10.1.2.3", 7).at(0)) == "10.1.2.3:7");
}

TEST_CASE("an address has a host and a port; a unix socket has neither") {
  CHECK(host_and_port(numeric_address("127.0.0.1", 5432).at(0)).host == "127.0.0.1");
  CHECK(host_and_port(numeric_address("::1", 5432).at(0)).host == "::1");
  CHECK(host_and_port(numeric_address("::1", 5432).at(0)).port == 5432);
  CHECK(host_and_port(numeric_address("::ffff:10.1.2.3", 7).at(0)).host == "10.1.2.3");
  CHECK(host_and_port(unix_address("/run/pg", 5432).at(0)).host == "unix");
  CHECK(host_and_port(unix_address("/run/pg", 5432).at(0)).port == 0);
  CHECK(host_and_port({}).host.empty());
}

TEST_CASE("a unix socket's address is libpq's path, abstract where the folder begins with @") {
  CHECK(text_of(unix_address("/run/pg", 5432).at(0)) == "/run/pg/.s.PGSQL.5432");
  const SocketAddress abstract = unix_address("@pg", 1).at(0);
  CHECK(text_of(abstract) == "@pg/.s.PGSQL.1");
  CHECK(reinterpret_cast<const sockaddr_un&>(abstract.storage).sun_path[0] == '\0');
  CHECK(unix_address("/" + std::string(100, 'x'), 5432).empty());
}

TEST_CASE("an address survives the way through its raw bytes") {
  const SocketAddress address = numeric_address("::1", 5432).at(0);
  CHECK(text_of(SocketAddress::from_raw(address.raw())) == "[::1]:5432");
}

TEST_CASE("a server's socket gets the keepalives and the timeout of its target") {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  UpstreamTarget target;
  target.keepalives_idle = 40s;
  target.keepalives_interval = 7s;
  target.keepalives_count = 3;
  target.tcp_user_timeout = 12'345ms;
  set_server_options(socket.get(), target);
  CHECK(option(socket.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(socket.get(), SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(socket.get(), IPPROTO_TCP, TCP_KEEPIDLE) == 40);
  CHECK(option(socket.get(), IPPROTO_TCP, TCP_KEEPINTVL) == 7);
  CHECK(option(socket.get(), IPPROTO_TCP, TCP_KEEPCNT) == 3);
  CHECK(option(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 12'345);

  const FileDescriptor other(::socket(AF_INET, SOCK_STREAM, 0));
  target.keepalives = false;
  set_server_options(other.get(), target);
  CHECK(option(other.get(), SOL_SOCKET, SO_KEEPALIVE) == 0);
}

}  // namespace ballast::test
