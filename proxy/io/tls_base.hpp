// What both TLS contexts begin with: an SSL_CTX tuned for many idle connections, and OpenSSL's errors as
// text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct ssl_ctx_st;
struct x509_st;

namespace ballast {

struct SslContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextFree>;

enum class TlsRole { client, server };

// TLS 1.2 and 1.3; no renegotiation; idle connections hold no buffer; no prompt for a passphrase.
SslContext new_ssl_context(TlsRole role);

// The oldest entry of the thread's error queue, which is nearest to the cause. Empties the queue.
std::string take_tls_error();

// Seconds since the epoch; 0: there is no certificate.
std::int64_t certificate_expires_s(const x509_st* certificate);

// The ALPN protocol list with the one entry "postgresql", as it is on the wire.
inline constexpr unsigned char alpn_postgresql[] = {10, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l'};

}  // namespace ballast
