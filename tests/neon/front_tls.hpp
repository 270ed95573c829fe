// FrontTls: the certificate that clients see, and the channel binding that goes with it. Read-only once made.
#pragma once

#include <string>

#include <boost/asio/ssl/context.hpp>

#include "tests/neon/rules/knobs.hpp"

namespace ballast::neon {

class FrontTls {
 public:
  // Throws where a file cannot be read. Clients whose ALPN is none of ours are dropped while
  // knobs.alpn_strict.
  FrontTls(const std::string& certificate_file, const std::string& key_file,
           const std::string& lowest_version, const Knobs& knobs);

  boost::asio::ssl::context& context() { return context_; }
  // tls-server-end-point data; empty where the certificate is not signed with SHA-256: Neon then offers no
  // -PLUS.
  const std::string& channel_binding() const { return channel_binding_; }

 private:
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  std::string channel_binding_;
};

}  // namespace ballast::neon
