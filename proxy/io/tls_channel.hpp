// TlsChannel: TLS on one non-blocking socket, in either role. OpenSSL reads and writes the socket itself (no
// BIO pair) and gives its buffers back when they are empty, which is what keeps an idle connection small.
//
// Made by a TLS context. Confined to one thread at a time. Call handshake() until it is ok; read() and
// write() do it themselves where it is not over. The socket must outlive the channel, which does not own it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace ballast {

class TlsSessionStore;

enum class TlsStatus {
  ok,
  wants_read,   // nothing moved; to be tried again when the socket is readable,
  wants_write,  // or writable: which of the two, TLS decides, not the operation
  closed,       // close_notify
  failed,       // error() says why
};

// Must the peer have agreed on the protocol "postgresql"? On a connection that began with TLS it must (manual
// 55.2.10 "SSL Session Encryption"): nothing else protects it from a cross-protocol attack.
enum class Alpn { optional, required };

class TlsChannel {
 public:
  // Takes `ssl` over, which has its socket and its role.
  TlsChannel(ssl_st* ssl, Alpn alpn);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  TlsStatus handshake();
  // Fills `into` from as many records as are there.
  TlsStatus read(std::span<char> into, std::size_t& bytes);
  TlsStatus write(std::string_view from, std::size_t& bytes);
  // Would read() have something to say that no event of the socket will announce?
  bool holds_bytes() const { return holds_bytes_; }

  // Where the peer's session tickets are kept. Shared with the context, which may be replaced before this
  // ends.
  void keep_session_in(std::shared_ptr<TlsSessionStore> store);
  // From now on tickets are dropped: the store stays with its thread.
  void forget_session_store() { keep_session_in(nullptr); }
  bool was_resumed() const;

  const std::string& error() const { return error_; }
  std::string channel_binding() const;
  std::string peer_common_name() const;
  // Of the peer's certificate, since the epoch; 0: it has none.
  std::int64_t peer_certificate_expires_s() const;
  // "TLSv1.3/TLS_AES_256_GCM_SHA384"
  std::string description() const;

 private:
  TlsStatus outcome();
  TlsStatus finish_handshake();

  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  std::unique_ptr<ssl_st, Free> ssl_;
  std::shared_ptr<TlsSessionStore> session_store_;
  std::string error_;
  std::optional<TlsStatus> end_;  // closed or failed: what every further read comes to
  Alpn alpn_;
  bool is_open_ = false;  // is the handshake over?
  bool is_write_broken_ = false;
  bool holds_bytes_ = false;
};

}  // namespace ballast
