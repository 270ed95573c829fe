#include "proxy/io/peer_certificate.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace ballast {
namespace {

std::string entry_of(const X509_NAME* name, int nid) {
  std::array<char, 256> text{};
  const int length = X509_NAME_get_text_by_NID(name, nid, text.data(), static_cast<int>(text.size()));
  return length > 0 ? std::string(text.data()) : std::string();
}

std::string first_dns_name(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    return std::string(bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return {};
}

std::string date_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return "an unknown date";
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d", &broken_down);
  return std::string(text.data(), length);
}

}  // namespace

std::optional<PeerCertificate> peer_certificate(void* opaque) {
  auto* ssl = static_cast<SSL*>(opaque);
  const X509* certificate = ssl == nullptr ? nullptr : SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  PeerCertificate found;
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  found.subject = entry_of(X509_get_subject_name(certificate), NID_commonName);
  if (found.subject.empty()) found.subject = first_dns_name(certificate);
  found.issuer = entry_of(issuer, NID_commonName);
  if (found.issuer.empty()) found.issuer = entry_of(issuer, NID_organizationName);
  const ASN1_TIME* not_after = X509_get0_notAfter(certificate);
  found.not_after = date_of(not_after);
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, not_after) == 1)
    found.days_left = seconds < 0 ? days - 1 : days;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  found.chain_length = chain == nullptr ? 1 : sk_X509_num(chain);
  const bool was_verified = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
  found.is_trusted = was_verified && SSL_get_verify_result(ssl) == X509_V_OK;
  return found;
}

}  // namespace ballast
