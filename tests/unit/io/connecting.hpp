// What the tests of the connector share: a reactor, a connector with a resolver of its own, and attempts to
// connect.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/connector.hpp"
#include "proxy/io/reactor.hpp"
#include "proxy/io/resolver.hpp"

#include "tests/unit/io/peer.hpp"

namespace ballast::test {

inline const std::string ssl_request("\0\0\0\x08\x04\xd2\x16\x2f", 8);

inline UpstreamTarget target_at(const std::string& host, std::uint16_t port,
                                SslMode mode = SslMode::disable) {
  UpstreamTarget target;
  target.hosts.push_back({host, {}, port});
  target.sslmode = mode;
  return target;
}

// Everything is at 127.0.0.1.
inline Resolver::Answer all_at_home(const std::string&, std::uint16_t port) {
  return {numeric_address("127.0.0.1", port), {}};
}

struct Connections {
  explicit Connections(Resolver::Lookup lookup = all_at_home) : resolver(std::move(lookup)) {}

  // Begins; the result comes to `result`.
  void begin(const UpstreamTarget& target, Duration patience = std::chrono::minutes(1)) {
    result.reset();
    connecting = connector.connect(target, reactor.now() + patience,
                                   [this](ConnectResult r) { result = std::move(r); });
  }

  // Connects, and returns the error; empty if it succeeded.
  std::string connect(const UpstreamTarget& target, Duration patience = std::chrono::minutes(1)) {
    begin(target, patience);
    return wait();
  }
  std::string connect_again(const UpstreamTarget& target, const Route& route) {
    result.reset();
    connecting = connector.connect_again(target, route, reactor.now() + std::chrono::minutes(1),
                                         [this](ConnectResult r) { result = std::move(r); });
    return wait();
  }
  std::string wait() {
    if (!run_until(reactor, [this] { return result.has_value(); })) return "no result";
    return result->stream != nullptr ? "" : result->error;
  }

  Stream& stream() { return *result->stream; }

  Reactor reactor;
  Resolver resolver;
  SocketConnector connector{reactor, resolver};
  std::unique_ptr<Connecting> connecting;
  std::optional<ConnectResult> result;
};

}  // namespace ballast::test
