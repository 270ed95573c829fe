// Stream: a connected byte stream, plain or TLS, non-blocking, told of readiness by level.
//
// Confined to the thread of the World that it was made in. Readiness is level-triggered: as long as bytes can
// be read (or room to write is there) and the interest stands, the listener is called once per turn of the
// loop. Nobody is ever called from inside a method of the stream itself.
// Interest::none by default. Changing the interest is a system call: leave it where it is on the path of a
// query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ballast {

enum class IoStatus {
  ok,           // `bytes` were moved, at least one
  would_block,  // nothing moved; the listener will be called
  closed,       // the peer ended the stream in order (FIN, close_notify)
  failed,       // anything else; Stream::error() says what
};

struct IoResult {
  IoStatus status;
  std::size_t bytes = 0;
};

enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

class Loop;

class StreamListener {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~StreamListener() = default;
};

// Where a server stream leads: enough to reach the same server again, for a cancel request.
struct Route {
  std::string host;     // as configured: the name for SNI and certificate checks; or a socket folder
  std::string address;  // the raw sockaddr that was connected
  std::string text;     // for logs: "[::1]:5432"
  bool tls = false;     // does this connection use TLS?
};

// For SHOW: who is at its two ends, and how it is encrypted. Asked of the system when it is wanted.
struct StreamFigures {
  int fd = -1;
  std::string address;  // "unix": a unix socket
  int port = 0;
  std::string local_address;
  int local_port = 0;
  int peer_pid = 0;  // of a unix socket
  std::string tls;   // "TLSv1.3/TLS_AES_256_GCM_SHA384"; empty: plain
};

class Stream {
 public:
  virtual ~Stream() = default;

  virtual IoResult read(std::span<char> into) = 0;
  // May take less than all; what is not taken must be offered again: all of it, and more behind it if there
  // is more (TLS may have encrypted its beginning already).
  virtual IoResult write(std::string_view bytes) = 0;
  // The listener must stay alive until the stream is destroyed or another listener is set.
  virtual void listen(StreamListener* listener, Interest interest) = 0;
  // On a client's stream: begins TLS as the server. The handshake is driven by the reads that follow, so the
  // first bytes read are application data. A stream whose first byte is a TLS record (direct TLS, ALPN
  // "postgresql") has begun TLS by itself before its first read returns. False: this stream has no
  // certificate to offer.
  virtual bool start_tls() { return false; }
  // Text for the log about the last `failed`.
  virtual std::string error() const = 0;
  // Was that because the other side has been silent for too long (TCP keepalive, TCP_USER_TIMEOUT)?
  virtual bool has_timed_out() const { return false; }

  // For logs and SHOW: "127.0.0.1:51234", "[::1]:51234", "unix".
  virtual std::string peer() const = 0;
  virtual bool is_tls() const = 0;
  // tls-server-end-point data (RFC 5929) of the certificate that the *server* side of this stream presented:
  // the peer's on a stream to a server, our own on a client's stream. Empty without TLS.
  virtual std::string channel_binding() const = 0;
  // Common name of a verified peer certificate; empty if there is none.
  virtual std::string peer_common_name() const = 0;
  // Leaves its loop and forgets its listener, between two messages, to go to another thread. Until attach()
  // to that thread's loop nothing else may be done with it, but destroying it.
  virtual void detach() = 0;
  virtual void attach(Loop& loop) = 0;
  virtual StreamFigures figures() const { return {}; }
  // Set on streams to a server, null on a client's.
  virtual const Route* route() const { return nullptr; }
};

}  // namespace ballast
