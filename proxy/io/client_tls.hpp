// ClientTlsContext: how Ballast is a TLS server for its clients: certificate, key, and the roots of their
// certificates. Immutable, any thread. A reload loads another one and puts it in the place of the first;
// connections that began with the first keep what they need of it.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/io/tls_base.hpp"
#include "proxy/io/tls_channel.hpp"

namespace ballast {

struct Settings;

class ClientTlsContext {
 public:
  // Null where client_tls_sslmode is disable. Throws std::runtime_error with one line that names the setting
  // and the file.
  static std::shared_ptr<const ClientTlsContext> load(const Settings& settings);

  explicit ClientTlsContext(const Settings& settings);  // as load(), but for disable

  // The server's side of a connection that is about to begin on the socket.
  std::unique_ptr<TlsChannel> accept(int fd, Alpn alpn) const;
  // When our certificate ends, since the epoch.
  std::int64_t certificate_expires_s() const;

 private:
  SslContext context_;
};

}  // namespace ballast
