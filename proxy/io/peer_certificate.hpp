// PeerCertificate: what the other side of a TLS connection has shown of itself, whoever has made the
// connection. Pure.
#pragma once

#include <optional>
#include <string>

namespace ballast {

struct PeerCertificate {
  std::string subject;      // its common name, else its first DNS name
  std::string issuer;       // the issuer's common name, else its organization
  std::string not_after;    // "2026-11-21"
  long days_left = 0;       // negative: it has expired
  int chain_length = 0;     // certificates that were shown
  bool is_trusted = false;  // was it verified, and found to be vouched for?
};

// `ssl` is OpenSSL's SSL* after its handshake. Nothing: the peer has shown none.
std::optional<PeerCertificate> peer_certificate(void* ssl);

}  // namespace ballast
