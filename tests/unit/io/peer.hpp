// The other side of the tests: blocking sockets on the loopback, driven by the test itself or by a thread of
// its own that runs a script. Everything is bounded by a timeout; running into it throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <openssl/ssl.h>

#include "proxy/io/reactor.hpp"
#include "proxy/io/socket.hpp"

namespace ballast::test {

// Turns the loop until `is_done` holds. False: it did not come to hold within a generous time.
bool run_until(Reactor& reactor, const std::function<bool()>& is_done);

// How often the loop turns while a few milliseconds pass: once or twice if nothing keeps it awake.
int turns_of_an_idle_moment(Reactor& reactor);

// One end of a connection.
class Peer {
 public:
  explicit Peer(FileDescriptor socket);

  // TLS from here on; false: the handshake failed.
  bool accept_tls(SSL_CTX* context);
  bool connect_tls(SSL_CTX* context);
  SSL* ssl() const { return ssl_.get(); }

  void write(std::string_view bytes);
  // All that is written meanwhile leaves in one segment.
  void gather(const std::function<void()>& write_all);
  std::string read(std::size_t size);
  std::string read_to_end();
  bool ends() { return read_to_end().empty(); }
  void close();
  void close_notify() { SSL_shutdown(ssl_.get()); }
  // Closes with RST.
  void reset();

  int fd() const { return socket_.get(); }
  FileDescriptor release() { return std::move(socket_); }

 private:
  std::size_t read_some(char* into, std::size_t size);
  bool begin(SSL_CTX* context);

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  FileDescriptor socket_;
  std::unique_ptr<SSL, Free> ssl_;
};

// Listens on a port of the system's choice.
class Listener {
 public:
  explicit Listener(const std::string& address = "127.0.0.1");

  std::uint16_t port() const { return port_; }
  Peer accept();
  FileDescriptor accept_socket();
  Peer connect() const;

 private:
  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  std::string address_;
};

// A thread that plays one side. finish() waits for its end and throws what it threw.
class Script {
 public:
  explicit Script(std::function<void()> script);
  ~Script();
  void finish();

 private:
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace ballast::test
