#include "tests/unit/io/certificates.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace ballast::test {
namespace {

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  expect(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

Certificate unsigned_certificate(const CertificateRequest& request, EVP_PKEY* key, long serial) {
  Certificate certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
  constexpr long day = 24 * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(x), -3 * day);
  X509_gmtime_adj(X509_getm_notAfter(x), request.is_expired ? -day : day);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(request.common_name.data()),
                             static_cast<int>(request.common_name.size()), -1, 0);
  if (!request.alternative_names.empty()) add_extension(x, NID_subject_alt_name, request.alternative_names);
  return certificate;
}

Key new_key() { return Key(EVP_EC_gen("P-256")); }

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "ballast-unit-XXXXXX").string();
  expect(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream(file(name)) << content;
  return file(name);
}

std::string digest_of(const Identity& identity, const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  X509_digest(identity.certificate.get(), digest, out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

Authority::Authority(const TemporaryFolder& folder, std::string name)
    : folder_(folder), name_(std::move(name)) {
  Key key = new_key();
  const CertificateRequest request{name_, {}};
  Certificate certificate = unsigned_certificate(request, key.get(), 1);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  self_ = write(std::move(certificate), std::move(key), name_);
}

Identity Authority::issue(const CertificateRequest& request) const {
  Key key = new_key();
  Certificate certificate = unsigned_certificate(request, key.get(), ++issued_ + 1);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(self_.certificate.get()));
  X509_sign(certificate.get(), self_.key.get(), EVP_get_digestbyname(request.digest));
  return write(std::move(certificate), std::move(key), name_ + "-" + std::to_string(issued_));
}

void Authority::sign(X509_CRL* list) const { X509_CRL_sign(list, self_.key.get(), EVP_sha256()); }

Identity Authority::write(Certificate certificate, Key key, const std::string& name) const {
  Identity identity{std::move(certificate), std::move(key), folder_.file(name + ".crt"),
                    folder_.file(name + ".key")};
  std::FILE* out = std::fopen(identity.certificate_file.c_str(), "w");
  PEM_write_X509(out, identity.certificate.get());
  std::fclose(out);
  out = std::fopen(identity.key_file.c_str(), "w");
  PEM_write_PrivateKey(out, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  ::chmod(identity.key_file.c_str(), 0600);
  return identity;
}

void use_identity(SSL_CTX* context, const Identity& identity) {
  expect(SSL_CTX_use_certificate(context, identity.certificate.get()) == 1, "certificate");
  expect(SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1, "key");
}

Context server_context(const Identity& identity, const std::string& roots_file) {
  Context context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 0);  // for certificates that are signed with SHA-1
  use_identity(context.get(), identity);
  static constexpr unsigned char id[] = "test";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id - 1);
  if (!roots_file.empty()) {
    SSL_CTX_load_verify_file(context.get(), roots_file.c_str());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

Context client_context(const std::string& alpn) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (alpn.empty()) return context;
  std::vector<unsigned char> list{static_cast<unsigned char>(alpn.size())};
  list.insert(list.end(), alpn.begin(), alpn.end());
  SSL_CTX_set_alpn_protos(context.get(), list.data(), static_cast<unsigned>(list.size()));
  return context;
}

}  // namespace ballast::test
