#include "proxy/io/connector.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <doctest/doctest.h>

#include "tests/unit/io/certificates.hpp"
#include "tests/unit/io/connecting.hpp"
#include "tests/unit/io/peer.hpp"
#include "tests/unit/io/probe.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

std::string text_with_port(const std::string& address, std::uint16_t port) {
  return address + ":" + std::to_string(port);
}

// The answer to an SSLRequest, and what the connector makes of it.
struct Negotiation {
  std::string connect(SslMode mode, const std::function<void(Peer&)>& server) {
    Script script([&] {
      Peer peer = listener.accept();
      if (peer.read(8) != ssl_request) throw std::runtime_error("not an SSLRequest");
      server(peer);
    });
    const std::string error = connections.connect(target_at("127.0.0.1", listener.port(), mode));
    script.finish();
    return error;
  }

  Listener listener;
  Connections connections;
};

}  // namespace

TEST_CASE("a connection over IPv4 or IPv6 comes with its route") {
  for (const auto& [host, text] : {std::pair("127.0.0.1", "127.0.0.1"), std::pair("::1", "[::1]")}) {
    Listener listener(host);
    Connections connections;
    REQUIRE(connections.connect(target_at(host, listener.port())) == "");
    Peer server = listener.accept();
    Probe probe(std::move(connections.result->stream));
    probe.send("hello");
    CHECK(server.read(5) == "hello");
    server.write("world");
    CHECK(run_until(connections.reactor, [&] { return probe.received == "world"; }));
    const Route* route = probe.stream->route();
    REQUIRE(route != nullptr);
    CHECK(route->host == host);
    CHECK(route->text == text_with_port(text, listener.port()));
    CHECK(!route->tls);
    CHECK(probe.stream->peer() == route->text);
  }
}

TEST_CASE("a connection through a unix socket uses no TLS, whatever sslmode says [5.7-117]") {
  const TemporaryFolder folder;
  const SocketAddress address = unix_address(folder.file(""), 5432).at(0);
  const FileDescriptor listening(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(listening.get(), address.get(), address.size) == 0);
  REQUIRE(::listen(listening.get(), 1) == 0);
  Connections connections;
  CHECK(connections.connect(target_at(folder.file(""), 5432, SslMode::verify_full)) == "");
  CHECK(!connections.stream().is_tls());
  CHECK(connections.stream().peer() == text_of(address));
  Peer server{FileDescriptor(::accept(listening.get(), nullptr, nullptr))};
  connections.stream().write("plain");
  CHECK(server.read(5) == "plain");
}

TEST_CASE("hostaddr is used in place of a look-up") {
  Listener listener;
  Connections connections([](const std::string&, std::uint16_t) -> Resolver::Answer {
    return {{}, "asked"};
  });
  UpstreamTarget target = target_at("db.example", listener.port());
  target.hosts.front().hostaddr = "127.0.0.1";
  CHECK(connections.connect(target) == "");
  CHECK(connections.stream().route()->host == "db.example");
}

TEST_CASE("a refused connection is an error of one line with host, address, stage and cause") {
  std::uint16_t port = 0;
  {
    const Listener closed;
    port = closed.port();
  }
  Connections connections;
  CHECK(connections.connect(target_at("127.0.0.1", port)) ==
        "connect to " + text_with_port("127.0.0.1", port) + ": TCP: Connection refused");
  CHECK(connections.connect(target_at("db.example", port)) ==
        "connect to db.example (" + text_with_port("127.0.0.1", port) + "): TCP: Connection refused");
}

TEST_CASE("the addresses of a name are tried in order until one connects [5.6-103]") {
  Listener listener;
  Connections connections([](const std::string&, std::uint16_t port) {
    Resolver::Answer answer;
    for (const char* address : {"127.0.0.2", "::1", "127.0.0.1"}) {
      answer.addresses.push_back(numeric_address(address, port).at(0));
    }
    return answer;
  });
  CHECK(connections.connect(target_at("db.example", listener.port())) == "");
  CHECK(connections.stream().route()->text == text_with_port("127.0.0.1", listener.port()));
}

TEST_CASE("a name is looked up for each connect, so that a changed address is found [5.6-103]") {
  Listener before;
  Listener after;
  std::uint16_t port = before.port();
  Connections connections(
      [&port](const std::string& host, std::uint16_t) { return all_at_home(host, port); });
  const UpstreamTarget target = target_at("db.example", 5432);
  CHECK(connections.connect(target) == "");
  CHECK(connections.stream().route()->text == text_with_port("127.0.0.1", before.port()));
  port = after.port();
  CHECK(connections.connect(target) == "");
  CHECK(connections.stream().route()->text == text_with_port("127.0.0.1", after.port()));
}

TEST_CASE(
    "the hosts of a target are tried in order until one connects, and all failures are told [5.7-117]") {
  Listener listener;
  std::uint16_t closed_port = 0;
  {
    const Listener closed;
    closed_port = closed.port();
  }
  Connections connections([](const std::string& host, std::uint16_t port) -> Resolver::Answer {
    if (host == "unknown.example") return {{}, "Name or service not known"};
    return all_at_home(host, port);
  });
  UpstreamTarget target = target_at("unknown.example", 1);
  target.hosts.push_back({"dead.example", {}, closed_port});
  CHECK(connections.connect(target) ==
        "connect to unknown.example: DNS: Name or service not known; dead.example (" +
            text_with_port("127.0.0.1", closed_port) + "): TCP: Connection refused");
  target.hosts.push_back({"live.example", {}, listener.port()});
  CHECK(connections.connect(target) == "");
  CHECK(connections.stream().route()->host == "live.example");
}

TEST_CASE("a target that leads nowhere is an error, not a crash") {
  Connections connections;
  CHECK(connections.connect(UpstreamTarget{}) == "connect to nowhere: no host");
  UpstreamTarget target = target_at("", 1);
  target.hosts.front().hostaddr = "not an address";
  CHECK(connections.connect(target).find("hostaddr \"not an address\" is not an address") !=
        std::string::npos);
  CHECK(connections.connect(target_at("/" + std::string(200, 'x'), 1)).find("too long") != std::string::npos);
}

TEST_CASE("the callback never comes from inside connect, and may end the attempt") {
  Connections connections;
  std::unique_ptr<Connecting> connecting;
  bool is_inside = true;
  bool is_done = false;
  connecting = connections.connector.connect(UpstreamTarget{}, connections.reactor.now() + 1min, [&](auto) {
    CHECK(!is_inside);
    connecting.reset();
    is_done = true;
  });
  is_inside = false;
  CHECK(run_until(connections.reactor, [&] { return is_done; }));
}

TEST_CASE("a deadline that has passed is a failure without an attempt") {
  Connections connections;
  CHECK(connections.connect(target_at("127.0.0.1", 1), -1s).find("timed out") != std::string::npos);
}

TEST_CASE("the deadline ends a look-up that hangs") {
  std::promise<void> may_answer;
  auto wait = may_answer.get_future().share();
  Connections connections([wait](const std::string&, std::uint16_t) {
    wait.wait();
    return Resolver::Answer{};
  });
  CHECK(connections.connect(target_at("db.example", 1), 5ms) == "connect to db.example: DNS: timed out");
  may_answer.set_value();
}

TEST_CASE("the deadline ends the wait for a server that accepts and says nothing") {
  Listener listener;
  Connections connections;
  CHECK(connections.connect(target_at("127.0.0.1", listener.port(), SslMode::require), 5ms) ==
        "connect to " + text_with_port("127.0.0.1", listener.port()) + ": SSLRequest: timed out");
  CHECK(listener.accept().read(8) == ssl_request);
}

TEST_CASE("a silent address uses up no more than its share of the time") {
  Listener silent("127.0.0.2");
  Listener listener;
  Connections connections;
  UpstreamTarget target = target_at("127.0.0.2", silent.port(), SslMode::prefer);
  target.hosts.push_back({"127.0.0.1", {}, listener.port()});
  Script script([&] {
    Peer peer = listener.accept();
    peer.read(8);
    peer.write("N");
    peer.read_to_end();
  });
  CHECK(connections.connect(target, 600ms) == "");
  connections.result.reset();
  script.finish();
}

TEST_CASE("an attempt that is given up leaves nothing behind, at any stage") {
  enum class Stage { before_the_first_turn, looking_up, connecting, asking_for_tls };
  for (const Stage stage :
       {Stage::before_the_first_turn, Stage::looking_up, Stage::connecting, Stage::asking_for_tls}) {
    CAPTURE(static_cast<int>(stage));
    Listener listener;
    Connections connections;
    connections.begin(target_at(stage == Stage::looking_up ? "db.example" : "127.0.0.1", listener.port(),
                                SslMode::require));
    if (stage != Stage::before_the_first_turn) connections.reactor.run_once(0s);
    if (stage == Stage::asking_for_tls) {
      Peer peer = listener.accept();
      Script reader([&] { peer.read(8); });
      connections.reactor.run_once(1s);
      reader.finish();
      connections.connecting.reset();
      CHECK(peer.ends());
    }
    connections.connecting.reset();
    for (int i = 0; i < 3; ++i) connections.reactor.run_once(1ms);
    CHECK(!connections.result);
  }
}

TEST_CASE("a server that answers N is left at require, and used without TLS at prefer") {
  Negotiation negotiation;
  const auto refuse = [](Peer& peer) {
    peer.write("N");
    peer.read_to_end();
  };
  CHECK(negotiation.connect(SslMode::require, refuse).find("SSLRequest: the server does not support TLS") !=
        std::string::npos);

  std::string seen;
  Listener& listener = negotiation.listener;
  Connections& connections = negotiation.connections;
  Script script([&] {
    Peer peer = listener.accept();
    peer.read(8);
    peer.write("N");
    seen = peer.read_to_end();
  });
  CHECK(connections.connect(target_at("127.0.0.1", listener.port(), SslMode::prefer)) == "");
  CHECK(!connections.stream().is_tls());
  connections.stream().write("on the same connection");
  connections.result.reset();
  script.finish();
  CHECK(seen == "on the same connection");
}

TEST_CASE("bytes behind the server's S are refused") {
  Negotiation negotiation;
  for (const SslMode mode : {SslMode::prefer, SslMode::require}) {
    const std::string error = negotiation.connect(mode, [](Peer& peer) {
      peer.write("SR");
      peer.read_to_end();
    });
    CHECK(error.find("unencrypted data behind its answer") != std::string::npos);
  }
}

TEST_CASE("a server that answers E is left at require, and its unverified text is not shown") {
  Negotiation negotiation;
  const std::string error = negotiation.connect(SslMode::require, [](Peer& peer) {
    peer.write("EFATAL: click here\n");
    peer.close();
  });
  CHECK(error.find("SSLRequest: the server answered with an error") != std::string::npos);
  CHECK(error.find("click") == std::string::npos);
}

TEST_CASE("after an E, no answer, or a broken handshake, prefer connects anew without TLS") {
  for (const char* answer : {"EFATAL: what?", "", "Snonsense", "?"}) {
    CAPTURE(answer);
    Listener listener;
    Connections connections;
    Script script([&] {
      Peer first = listener.accept();
      first.read(8);
      if (*answer == 'S') {
        first.write("S");
        first.read(5);
        first.write(answer + 1);
      } else {
        first.write(answer);
      }
      first.close();
      Peer second = listener.accept();
      second.write("plain");
    });
    CHECK(connections.connect(target_at("127.0.0.1", listener.port(), SslMode::prefer)) == "");
    script.finish();
    CHECK(!connections.stream().is_tls());
    CHECK(!connections.stream().route()->tls);
  }
}

TEST_CASE("sslmode allow connects without TLS") {
  Listener listener;
  Connections connections;
  CHECK(connections.connect(target_at("127.0.0.1", listener.port(), SslMode::allow)) == "");
  CHECK(!connections.stream().is_tls());
}

TEST_CASE("connecting again reaches the same address, without TLS where the route has none") {
  Listener listener;
  Connections connections([](const std::string&, std::uint16_t port) -> Resolver::Answer {
    return {{numeric_address("127.0.0.2", port).at(0), numeric_address("127.0.0.1", port).at(0)}, {}};
  });
  const UpstreamTarget target = target_at("db.example", listener.port());
  REQUIRE(connections.connect(target) == "");
  const Route route = *connections.stream().route();
  Peer first = listener.accept();
  UpstreamTarget stricter = target;
  stricter.sslmode = SslMode::prefer;
  REQUIRE(connections.connect_again(stricter, route) == "");
  CHECK(connections.stream().route()->text == route.text);
  Peer second = listener.accept();
  connections.stream().write("cancel");
  CHECK(second.read(6) == "cancel");
}

TEST_CASE("connecting again where the route has TLS does not go on without it") {
  Negotiation negotiation;
  const UpstreamTarget target = target_at("127.0.0.1", negotiation.listener.port(), SslMode::prefer);
  const Route route{"127.0.0.1", numeric_address("127.0.0.1", negotiation.listener.port()).at(0).raw(), "",
                    true};
  Script script([&] {
    Peer peer = negotiation.listener.accept();
    peer.read(8);
    peer.write("N");
    peer.read_to_end();
  });
  CHECK(negotiation.connections.connect_again(target, route).find("does not support TLS") !=
        std::string::npos);
  script.finish();
}

}  // namespace ballast::test
