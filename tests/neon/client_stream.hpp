// ClientStream: a client's socket, with TLS once that has been agreed on, and the ways in which it can end.
//
// Reads are exact, so that nothing is read past the startup packets. Reading and writing throw when the
// client is gone. One thread; one read and one write at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "tests/neon/connection.hpp"
#include "tests/neon/coroutine.hpp"
#include "tests/neon/front_tls.hpp"

namespace ballast::neon {

// Drops every packet that comes for the socket, before TCP sees it. One that listens, too.
void deafen(int socket);
void hear_again(int socket);

class ClientStream {
 public:
  using Tcp = asio::ip::tcp::socket;
  using Tls = asio::ssl::stream<Tcp&>;

  ClientStream(Tcp tcp, FrontTls& tls);

  Tcp& tcp() { return tcp_; }
  Tls& tls() { return *tls_; }
  bool is_tls() const { return tls_.has_value(); }
  const std::string& channel_binding() const { return tls_settings_.channel_binding(); }
  std::string server_name();  // SNI; empty: none

  Task<char> peek();                 // the first byte, which stays
  Task<std::string> read_packet();   // one without a type byte; empty: of an impossible length
  Task<std::string> read_message();  // with its header
  bool has_more() const;             // behind what has been read, of the same flight
  Task<void> write(std::string bytes);
  Task<void> start_tls();

  void cancel();       // what is being read or written fails
  void reset();        // RST
  void hang_up();      // FIN without a goodbye
  void deafen();       // takes nothing in any more, not even a FIN
  Task<void> close();  // close_notify, FIN

 private:
  Task<std::string> read_exactly(std::size_t size);

  Tcp tcp_;
  FrontTls& tls_settings_;
  std::optional<Tls> tls_;
};

}  // namespace ballast::neon
