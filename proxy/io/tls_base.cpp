#include "proxy/io/tls_base.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <new>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "proxy/io/socket.hpp"

namespace ballast {

void SslContextFree::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

SslContext new_ssl_context(TlsRole role) {
  SslContext context(SSL_CTX_new(role == TlsRole::client ? TLS_client_method() : TLS_server_method()));
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Clients are many and mostly idle; servers are few and busy: they keep their buffers.
  if (role == TlsRole::server) SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);  // header and body of a record in one read(2)
  SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return 0; });
  return context;
}

std::string take_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  if (ERR_SYSTEM_ERROR(code)) return error_text(ERR_GET_REASON(code));
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "TLS error %08lx", code);
  return text.data();
}

std::int64_t certificate_expires_s(const x509_st* certificate) {
  std::tm expires{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expires) != 1) return 0;
  return timegm(&expires);
}

}  // namespace ballast
