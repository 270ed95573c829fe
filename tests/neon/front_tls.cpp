#include "tests/neon/front_tls.hpp"

#include <array>
#include <string_view>

#include <openssl/ssl.h>

namespace ballast::neon {
namespace {

constexpr unsigned char alpn_postgresql[] = "\x0apostgresql";

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* knobs) {
  unsigned char* out = nullptr;
  const int result = SSL_select_next_proto(&out, chosen_size, alpn_postgresql, sizeof alpn_postgresql - 1,
                                           offered, offered_size);
  *chosen = out;
  if (result == OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_OK;
  return static_cast<const Knobs*>(knobs)->alpn_strict ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

std::string binding_of(X509* certificate) {
  int digest = NID_undef;
  if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1 || digest != NID_sha256)
    return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), hash.data(), &size) != 1) return {};
  return {reinterpret_cast<const char*>(hash.data()), size};
}

}  // namespace

FrontTls::FrontTls(const std::string& certificate_file, const std::string& key_file,
                   const std::string& lowest_version, const Knobs& knobs) {
  context_.use_certificate_chain_file(certificate_file);
  context_.use_private_key_file(key_file, boost::asio::ssl::context::pem);
  SSL_CTX* native = context_.native_handle();
  SSL_CTX_set_min_proto_version(native, lowest_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, const_cast<Knobs*>(&knobs));
  channel_binding_ = binding_of(SSL_CTX_get0_certificate(native));
}

}  // namespace ballast::neon
