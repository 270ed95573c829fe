#include "proxy/io/upstream_tls.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proxy/io/socket.hpp"

namespace ballast {
namespace {

[[noreturn]] void refuse(const std::string& parameter, const std::string& value) {
  throw std::runtime_error(parameter + " \"" + value + "\": " + take_tls_error());
}

bool is_verifying(SslMode mode) { return mode == SslMode::verify_ca || mode == SslMode::verify_full; }

bool exists(const std::string& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0;
}

// ~/.postgresql/<name> where there is such a file, else empty.
std::string default_file(const std::string& name) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  const std::string file = std::string(home) + "/.postgresql/" + name;
  return exists(file) ? file : std::string();
}

int version_number(const std::string& parameter, const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, int>, 4> versions{{{"TLSv1", TLS1_VERSION},
                                                                             {"TLSv1.1", TLS1_1_VERSION},
                                                                             {"TLSv1.2", TLS1_2_VERSION},
                                                                             {"TLSv1.3", TLS1_3_VERSION}}};
  for (const auto& [known, number] : versions) {
    if (known == name) return number;
  }
  throw std::runtime_error(parameter + " \"" + name + "\": unknown version");
}

void set_versions(SSL_CTX* ctx, const UpstreamTarget& target) {
  const std::string& min = target.ssl_min_protocol_version;
  const std::string& max = target.ssl_max_protocol_version;
  if (!min.empty()) SSL_CTX_set_min_proto_version(ctx, version_number("ssl_min_protocol_version", min));
  if (!max.empty()) SSL_CTX_set_max_proto_version(ctx, version_number("ssl_max_protocol_version", max));
}

// With roots the server's chain is verified, in every sslmode: libpq does so too, and `require` then is
// verify-ca.
bool load_roots(SSL_CTX* ctx, const UpstreamTarget& target) {
  if (target.sslrootcert == "system") {
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) refuse("sslrootcert", "system");
    return true;
  }
  const std::string file = target.sslrootcert.empty() ? default_file("root.crt") : target.sslrootcert;
  if (file.empty() || !exists(file)) {
    if (!is_verifying(target.sslmode)) return false;
    throw std::runtime_error("sslrootcert \"" + file +
                             "\": no such file; name one, or \"system\" for the system's roots");
  }
  if (SSL_CTX_load_verify_file(ctx, file.c_str()) != 1) refuse("sslrootcert", file);
  return true;
}

void load_revocations(SSL_CTX* ctx, const UpstreamTarget& target) {
  const std::string file = target.sslcrl.empty() ? default_file("root.crl") : target.sslcrl;
  if (file.empty()) return;
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  if (X509_STORE_load_file(store, file.c_str()) != 1) refuse("sslcrl", file);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

// libpq's rule: a key is its owner's alone, or root's and readable by a group.
void check_key_permissions(const std::string& key) {
  struct stat status {};
  if (::stat(key.c_str(), &status) != 0) throw std::runtime_error("sslkey \"" + key + "\": no such file");
  const mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & forbidden) != 0) {
    throw std::runtime_error("sslkey \"" + key + "\": others can read it; its mode must be 0600 or less");
  }
}

int give_password(char* out, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() >= static_cast<std::size_t>(size)) return 0;
  text.copy(out, text.size());
  return static_cast<int>(text.size());
}

void load_certificate(SSL_CTX* ctx, const UpstreamTarget& target) {
  const std::string certificate = target.sslcert.empty() ? default_file("postgresql.crt") : target.sslcert;
  if (certificate.empty()) return;
  const std::string key = target.sslkey.empty() ? default_file("postgresql.key") : target.sslkey;
  if (key.empty()) throw std::runtime_error("sslcert \"" + certificate + "\" needs sslkey");
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1) refuse("sslcert", certificate);
  check_key_permissions(key);
  std::string password = target.sslpassword;
  SSL_CTX_set_default_passwd_cb(ctx, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, &password);
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1) refuse("sslkey", key);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, nullptr);
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* store = static_cast<TlsSessionStore*>(SSL_get_app_data(ssl));
  if (store == nullptr) return 0;
  store->keep(session);
  return 1;  // it is ours now
}

// False where there is no name to verify.
bool demand_name(SSL* ssl, const std::string& name, bool is_address) {
  if (name.empty() || name.front() == '/') return false;
  if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

auto tls_parameters(const UpstreamTarget& target) {
  return std::tie(target.sslmode, target.sslnegotiation, target.sslrootcert, target.sslcrl, target.sslcert,
                  target.sslkey, target.sslpassword, target.sslsni, target.ssl_min_protocol_version,
                  target.ssl_max_protocol_version);
}

}  // namespace

void TlsSessionStore::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

UpstreamTlsContext::UpstreamTlsContext(const UpstreamTarget& target)
    : target_(target), context_(new_ssl_context(TlsRole::client)) {
  SSL_CTX* ctx = context_.get();
  ERR_clear_error();
  set_versions(ctx, target);
  if (load_roots(ctx, target)) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    load_revocations(ctx, target);
  }
  load_certificate(ctx, target);
  SSL_CTX_set_alpn_protos(ctx, alpn_postgresql, sizeof alpn_postgresql);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, keep_session);
}

std::unique_ptr<TlsChannel> UpstreamTlsContext::connect(int fd, const UpstreamHost& host) {
  SSL* ssl = SSL_new(context_.get());
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) throw std::bad_alloc();
  const Alpn alpn = target_.sslnegotiation == SslNegotiation::direct ? Alpn::required : Alpn::optional;
  auto channel = std::make_unique<TlsChannel>(ssl, alpn);
  SSL_set_connect_state(ssl);
  const bool is_address = !numeric_address(host.host, host.port).empty();
  if (target_.sslmode == SslMode::verify_full && !demand_name(ssl, host.host, is_address)) return nullptr;
  if (target_.sslsni && !is_address && !host.host.empty()) SSL_set_tlsext_host_name(ssl, host.host.c_str());
  std::shared_ptr<TlsSessionStore>& store = sessions_[host.host];
  if (store == nullptr) store = std::make_shared<TlsSessionStore>();
  if (store->get() != nullptr) SSL_set_session(ssl, store->get());
  channel->keep_session_in(store);
  return channel;
}

bool UpstreamTlsContext::is_for(const UpstreamTarget& target) const {
  return tls_parameters(target) == tls_parameters(target_);
}

UpstreamTlsContext& UpstreamTls::context_for(const UpstreamTarget& target) {
  if (context_ == nullptr || !context_->is_for(target)) {
    context_.reset();
    context_ = std::make_unique<UpstreamTlsContext>(target);
  }
  return *context_;
}

}  // namespace ballast
