#include "proxy/io/connector.hpp"

#include <optional>
#include <utility>

#include "proxy/io/connect_attempt.hpp"

namespace ballast {
namespace {

TlsUse tls_use_of(SslMode mode) {
  switch (mode) {
    case SslMode::disable:
    case SslMode::allow:
      return TlsUse::never;
    case SslMode::prefer:
      return TlsUse::if_possible;
    case SslMode::require:
    case SslMode::verify_ca:
    case SslMode::verify_full:
      break;
  }
  return TlsUse::always;
}

}  // namespace

std::unique_ptr<Connecting> SocketConnector::connect(const UpstreamTarget& target, TimePoint deadline,
                                                     Done done) {
  ConnectPlan plan{target, {}, deadline};
  for (const UpstreamHost& host : target.hosts) {
    plan.candidates.push_back({host, tls_use_of(target.sslmode), std::nullopt});
  }
  return std::make_unique<ConnectAttempt>(reactor_, resolver_, tls_, std::move(plan), std::move(done));
}

std::unique_ptr<Connecting> SocketConnector::connect_again(const UpstreamTarget& target, const Route& route,
                                                           TimePoint deadline, Done done) {
  ConnectPlan plan{target, {}, deadline};
  plan.candidates.push_back({{route.host, {}, 0},
                             route.tls ? TlsUse::always : TlsUse::never,
                             SocketAddress::from_raw(route.address)});
  return std::make_unique<ConnectAttempt>(reactor_, resolver_, tls_, std::move(plan), std::move(done));
}

}  // namespace ballast
