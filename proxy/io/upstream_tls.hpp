// UpstreamTlsContext: how Ballast is a TLS client of the database: whom to trust, what to present, and the
// sessions to resume. The parameters mean what they mean to libpq (manual 34.19 "SSL Support"), default files
// in
// ~/.postgresql included.
// Confined to one thread, but for the connections that it began.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/tls_base.hpp"
#include "proxy/io/tls_channel.hpp"
#include "proxy/io/tls_session_store.hpp"

namespace ballast {

class UpstreamTlsContext {
 public:
  // Throws std::runtime_error with one line that names the parameter and the file.
  explicit UpstreamTlsContext(const UpstreamTarget& target);

  // The client's side of a connection that is about to begin on the socket. Null where the certificate must
  // be verified against a name and the host has none.
  std::unique_ptr<TlsChannel> connect(int fd, const UpstreamHost& host);
  // Would a context for this target be the same as this one, files unchanged?
  bool is_for(const UpstreamTarget& target) const;

 private:
  const UpstreamTarget target_;
  SslContext context_;
  // By host. Shared with the connections, whose tickets arrive when this may have been replaced.
  std::map<std::string, std::shared_ptr<TlsSessionStore>> sessions_;
};

// The context of the last target. It is made when a handshake needs it, and anew for another target or after
// reload(), because reading the files costs milliseconds.
class UpstreamTls {
 public:
  // Throws as UpstreamTlsContext does. Valid until the next call.
  UpstreamTlsContext& context_for(const UpstreamTarget& target);
  void reload() { context_.reset(); }

 private:
  std::unique_ptr<UpstreamTlsContext> context_;
};

}  // namespace ballast
