#include "proxy/app/listener.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "proxy/base/log.hpp"

#include "tests/support/temporary_folder.hpp"

namespace ballast {
namespace {

// A port that nobody has now. Another process may take it before the listener does; that is very unlikely.
std::uint16_t free_port() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

FileDescriptor connect_to(const std::string& address, std::uint16_t port) {
  FileDescriptor client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  REQUIRE(::inet_pton(AF_INET, address.c_str(), &to.sin_addr) == 1);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  return client;
}
FileDescriptor connect_to(const std::string& path) {
  FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof to.sun_path);
  path.copy(to.sun_path, path.size());
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  return client;
}

bool has_ipv6_loopback() {
  const FileDescriptor probe(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

struct Setup {
  TemporaryFolder folder;
  boost::asio::io_context context;
  Settings settings;
  std::vector<FileDescriptor> accepted;

  Setup() {
    settings.listen_addr = "";
    settings.listen_port = free_port();
  }
  Listener listen() {
    return {context, settings, [this](FileDescriptor socket) { accepted.push_back(std::move(socket)); }};
  }
  std::string refusal() {
    try {
      const Listener listener = listen();
    } catch (const ListenError& error) {
      return error.what();
    }
    return "";
  }
  std::string socket_path() const { return folder.path(".s.PGSQL." + std::to_string(settings.listen_port)); }
  void use_folder() {
    settings.unix_socket_dir = std::filesystem::path(socket_path()).parent_path().string();
  }
  // Runs until so many clients have been accepted.
  bool accept(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (accepted.size() < count && std::chrono::steady_clock::now() < end) {
      context.run_one_for(std::chrono::milliseconds(100));
    }
    return accepted.size() == count;
  }
};

// As long as it lives, no descriptor can be made.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 3;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("clients are accepted on a TCP address, and the address is named") {
  Setup setup;
  setup.settings.listen_addr = "127.0.0.1";
  const Listener listener = setup.listen();
  CHECK(listener.addresses() ==
        std::vector<std::string>{"127.0.0.1:" + std::to_string(setup.settings.listen_port)});
  const FileDescriptor one = connect_to("127.0.0.1", setup.settings.listen_port);
  const FileDescriptor two = connect_to("127.0.0.1", setup.settings.listen_port);
  REQUIRE(setup.accept(2));
  REQUIRE(::send(one.get(), "hello", 5, 0) == 5);
  char text[5];
  CHECK(::recv(setup.accepted[0].get(), text, 5, MSG_WAITALL) == 5);
  CHECK(std::string(text, 5) == "hello");
}

TEST_CASE("several addresses, with spaces between them, are all listened on") {
  Setup setup;
  setup.settings.listen_addr = "127.0.0.1, 127.0.0.2";
  const Listener listener = setup.listen();
  CHECK(listener.addresses().size() == 2);
  const FileDescriptor one = connect_to("127.0.0.1", setup.settings.listen_port);
  const FileDescriptor two = connect_to("127.0.0.2", setup.settings.listen_port);
  CHECK(one);
  CHECK(two);
  CHECK(setup.accept(2));
}

TEST_CASE("* listens on every address, of IPv6 too where there is one, without one taking the other's port") {
  Setup setup;
  setup.settings.listen_addr = "*";
  const Listener listener = setup.listen();
  const std::string port = std::to_string(setup.settings.listen_port);
  CHECK(listener.addresses().front() == "0.0.0.0:" + port);
  if (listener.addresses().size() > 1) CHECK(listener.addresses().back() == "[::]:" + port);
  const FileDescriptor client = connect_to("127.0.0.3", setup.settings.listen_port);
  CHECK(setup.accept(1));
}

TEST_CASE("localhost is the loopback of IPv4, and that of IPv6 where there is one") {
  Setup setup;
  setup.settings.listen_addr = "localhost";
  const Listener listener = setup.listen();
  const std::string port = std::to_string(setup.settings.listen_port);
  std::vector<std::string> expected{"127.0.0.1:" + port};
  if (has_ipv6_loopback()) expected.push_back("[::1]:" + port);
  CHECK(listener.addresses() == expected);
}

TEST_CASE("where the system chooses the port, all addresses have the one that is named") {
  Setup setup;
  setup.settings.listen_addr = "localhost,127.0.0.2";
  setup.settings.listen_port = 0;
  setup.use_folder();
  const std::vector<std::string> addresses = setup.listen().addresses();
  REQUIRE(addresses.size() == (has_ipv6_loopback() ? 4 : 3));
  const std::string port = addresses[0].substr(addresses[0].find(':') + 1);
  CHECK(port != "0");
  for (const std::string& address : addresses) CHECK(address.substr(address.find_last_of(":.") + 1) == port);
}

TEST_CASE("a unix socket has the mode of the settings and goes with the listener's close") {
  Setup setup;
  setup.use_folder();
  setup.settings.unix_socket_mode = 0700;
  Listener listener = setup.listen();
  struct stat found {};
  REQUIRE(::stat(setup.socket_path().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  {
    const FileDescriptor client = connect_to(setup.socket_path());
    CHECK(client);
    CHECK(setup.accept(1));
  }
  listener.close();
  CHECK(::stat(setup.socket_path().c_str(), &found) != 0);
}

TEST_CASE("after close there are no new clients") {
  Setup setup;
  setup.settings.listen_addr = "127.0.0.1";
  Listener listener = setup.listen();
  listener.close();
  setup.context.poll();
  CHECK_FALSE(connect_to("127.0.0.1", setup.settings.listen_port));
  CHECK(setup.accepted.empty());
}

TEST_CASE("a socket file that a crash left behind is not in the way") {
  Setup setup;
  setup.use_folder();
  {
    const FileDescriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    setup.socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  const Listener listener = setup.listen();
  const FileDescriptor client = connect_to(setup.socket_path());
  CHECK(setup.accept(1));
}

TEST_CASE("a socket that another process listens on is left to it, and the setting is named") {
  Setup setup;
  setup.use_folder();
  const Listener first = setup.listen();
  const std::string refusal = setup.refusal();
  CHECK(refusal.find(setup.socket_path()) != std::string::npos);
  CHECK(refusal.find("unix_socket_dir") != std::string::npos);
  CHECK(connect_to(setup.socket_path()));
}

TEST_CASE("a file that is no socket is never removed") {
  Setup setup;
  setup.use_folder();
  setup.folder.write(".s.PGSQL." + std::to_string(setup.settings.listen_port), "precious");
  CHECK_FALSE(setup.refusal().empty());
  CHECK(setup.folder.read(".s.PGSQL." + std::to_string(setup.settings.listen_port)) == "precious");
}

TEST_CASE("a port in use is one line that says which") {
  Setup setup;
  setup.settings.listen_addr = "127.0.0.1";
  const Listener first = setup.listen();
  CHECK(setup.refusal() == "can't listen on 127.0.0.1:" + std::to_string(setup.settings.listen_port) +
                               ": Address already in use");
}

TEST_CASE(
    "an address that is not ours, a name that is none and a folder that is missing are refused with their "
    "names") {
  Setup foreign;
  foreign.settings.listen_addr = "192.0.2.1";  // RFC 5737: nobody's
  CHECK(foreign.refusal().find("192.0.2.1") != std::string::npos);

  Setup nonsense;
  nonsense.settings.listen_addr = std::string(70, 'x');  // longer than a label may be: no look-up
  CHECK(nonsense.refusal().starts_with("listen_addr = xxx"));

  Setup missing;
  missing.settings.unix_socket_dir = missing.folder.path("missing");
  CHECK(missing.refusal().find("unix_socket_dir") != std::string::npos);

  Setup too_long;
  too_long.settings.unix_socket_dir = "/" + std::string(200, 'x');
  CHECK(too_long.refusal().find("unix_socket_dir") != std::string::npos);
}

TEST_CASE("nothing to listen on is an error") {
  Setup setup;
  CHECK(setup.refusal().find("nothing to listen on") != std::string::npos);
  setup.settings.listen_addr = " , ";
  CHECK(setup.refusal().find("nothing to listen on") != std::string::npos);
}

TEST_CASE("without descriptors accept pauses, does not spin, and goes on when there are some [5.1-31]") {
  Setup setup;
  setup.use_folder();
  const Listener listener = setup.listen();
  // Whatever a sanitizer looks at for the first time costs it descriptors: so this is not the first line of
  // the log.
  log::warning("listener", "a test without descriptors");
  const FileDescriptor client = connect_to(setup.socket_path());
  {
    const NoDescriptors none;
    setup.context.run_one();  // the accept that fails
    CHECK(setup.context.poll() == 0);
    CHECK(setup.accepted.empty());
  }
  CHECK(setup.accept(1));
}

}  // namespace ballast
