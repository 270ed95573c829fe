#include "proxy/io/client_tls.hpp"

#include <new>
#include <stdexcept>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proxy/base/settings.hpp"

namespace ballast {
namespace {

[[noreturn]] void refuse(const std::string& setting, const std::string& file) {
  throw std::runtime_error(setting + " \"" + file + "\": " + take_tls_error());
}

// A client that offers protocols must offer ours: one that wants "h2" has come to the wrong port.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* out = nullptr;
  const int result = SSL_select_next_proto(&out, chosen_size, alpn_postgresql, sizeof alpn_postgresql,
                                           offered, offered_size);
  *chosen = out;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void load_certificate(SSL_CTX* ctx, const Settings& settings) {
  const std::string& certificate = settings.client_tls_cert_file;
  const std::string& key = settings.client_tls_key_file;
  if (certificate.empty()) throw std::runtime_error("client_tls_sslmode needs client_tls_cert_file");
  if (key.empty()) throw std::runtime_error("client_tls_sslmode needs client_tls_key_file");
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1) {
    refuse("client_tls_cert_file", certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1)
    refuse("client_tls_key_file", key);
}

// verify_full asks for no more than verify_ca: a client has no name to check but the common name, which
// belongs to auth_type = cert.
void demand_client_certificate(SSL_CTX* ctx, const std::string& roots) {
  if (roots.empty()) throw std::runtime_error("client_tls_sslmode verify-ca needs client_tls_ca_file");
  if (SSL_CTX_load_verify_file(ctx, roots.c_str()) != 1) refuse("client_tls_ca_file", roots);
  if (STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(roots.c_str()))
    SSL_CTX_set_client_CA_list(ctx, names);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

std::shared_ptr<const ClientTlsContext> ClientTlsContext::load(const Settings& settings) {
  if (settings.client_tls_sslmode == ClientTls::disable) return nullptr;
  return std::make_shared<const ClientTlsContext>(settings);
}

ClientTlsContext::ClientTlsContext(const Settings& settings) : context_(new_ssl_context(TlsRole::server)) {
  SSL_CTX* ctx = context_.get();
  load_certificate(ctx, settings);
  const ClientTls mode = settings.client_tls_sslmode;
  if (mode == ClientTls::verify_ca || mode == ClientTls::verify_full) {
    demand_client_certificate(ctx, settings.client_tls_ca_file);
  }
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  // A ticket costs a write(2) in the handshake; one is enough for the drivers that resume (Java, .NET).
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  static constexpr unsigned char id[] = "ballast";
  SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
}

std::unique_ptr<TlsChannel> ClientTlsContext::accept(int fd, Alpn alpn) const {
  SSL* ssl = SSL_new(context_.get());
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl);
  return std::make_unique<TlsChannel>(ssl, alpn);
}

std::int64_t ClientTlsContext::certificate_expires_s() const {
  return ballast::certificate_expires_s(SSL_CTX_get0_certificate(context_.get()));
}

}  // namespace ballast
