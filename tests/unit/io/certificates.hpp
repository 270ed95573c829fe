// Certificates made on the spot: a certificate authority, and leaves that it signs, as PEM files in a folder
// that is removed at the end.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace ballast::test {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

struct CertificateRequest {
  std::string common_name;
  std::string alternative_names;  // as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"
  bool is_expired = false;
  const char* digest = "SHA256";
};

template <auto free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;

struct Identity {
  Certificate certificate;
  Key key;
  std::string certificate_file;
  std::string key_file;
};

std::string digest_of(const Identity& identity, const EVP_MD* digest);

class Authority {
 public:
  Authority(const TemporaryFolder& folder, std::string name);

  Identity issue(const CertificateRequest& request) const;
  void sign(X509_CRL* list) const;
  const std::string& roots_file() const { return self_.certificate_file; }

 private:
  Identity write(Certificate certificate, Key key, const std::string& name) const;

  const TemporaryFolder& folder_;
  std::string name_;
  mutable int issued_ = 0;
  Identity self_;
};

// A TLS server that shows `identity`; with roots it demands a certificate of its client.
Context server_context(const Identity& identity, const std::string& roots_file = {});
// A TLS client; `alpn` is the protocol that it offers, empty for none.
Context client_context(const std::string& alpn = "postgresql");
void use_identity(SSL_CTX* context, const Identity& identity);

}  // namespace ballast::test
