// SocketConnector: the Connector on real sockets. Confined to its reactor's thread; outlives what it began.
//
// sslmode `allow` connects without TLS. If the server then refuses the login for want of TLS, the caller
// connects again with a copy of the target that says `require`.
#pragma once

#include <memory>

#include "proxy/io/upstream_tls.hpp"
#include "proxy/io/world.hpp"

namespace ballast {

class Reactor;
class Resolver;

class SocketConnector final : public Connector {
 public:
  SocketConnector(Reactor& reactor, Resolver& resolver) : reactor_(reactor), resolver_(resolver) {}

  std::unique_ptr<Connecting> connect(const UpstreamTarget& target, TimePoint deadline, Done done) override;
  std::unique_ptr<Connecting> connect_again(const UpstreamTarget& target, const Route& route,
                                            TimePoint deadline, Done done) override;
  // The next handshake reads certificates, keys and revocations anew, and resumes no session.
  void reload_tls() { tls_.reload(); }

 private:
  Reactor& reactor_;
  Resolver& resolver_;
  UpstreamTls tls_;
};

}  // namespace ballast
