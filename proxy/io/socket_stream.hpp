// SocketStream: the Stream on a real socket, plain or TLS.
//
// A client's stream is made from an accepted socket and may become TLS by start_tls(), or by itself where the
// first byte is a TLS record. A server's stream is made by the connector when its handshake is over. Confined
// to its reactor's thread; detach() and attach() move an idle stream to another one. It registers with the
// reactor when it is first listened to, once, and holds no buffer of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include "proxy/io/reactor.hpp"
#include "proxy/io/socket.hpp"
#include "proxy/io/stream.hpp"

namespace ballast {

class ClientTlsContext;
class TlsChannel;
enum class Alpn;
enum class TlsStatus;

class SocketStream final : public Stream, private EventHandler {
 public:
  // An accepted client. `tls` is null where TLS is switched off. Shared, because a reload puts another
  // context in place while handshakes of the former are still to come.
  SocketStream(Reactor& reactor, FileDescriptor socket, std::shared_ptr<const ClientTlsContext> tls);
  // A server at the end of `route`; `tls` is null without TLS, else its handshake is over.
  SocketStream(Reactor& reactor, FileDescriptor socket, std::unique_ptr<TlsChannel> tls, Route route);
  ~SocketStream() override;
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  IoResult read(std::span<char> into) override;
  IoResult write(std::string_view bytes) override;
  void listen(StreamListener* listener, Interest interest) override;
  bool start_tls() override;
  std::string error() const override { return error_; }
  bool has_timed_out() const override;

  std::string peer() const override;
  bool is_tls() const override { return tls_ != nullptr; }
  std::string channel_binding() const override;
  std::string peer_common_name() const override;
  const Route* route() const override { return route_.get(); }
  StreamFigures figures() const override;

  void detach() override;
  void attach(Loop& reactor) override;  // a Reactor: sockets have no other loop

 private:
  void on_events(std::uint32_t events) override;
  void on_again() override;

  IoResult read_plain(std::span<char> into);
  IoResult read_tls(std::span<char> into);
  IoResult write_tls(std::string_view bytes);
  IoResult look_at_first_byte();
  void begin_tls(Alpn alpn);
  IoResult fail_with(int error_number);
  IoResult result_of(TlsStatus status, std::size_t bytes);

  bool wants(Interest one) const;
  void update_registration();
  void leave_epoll();
  void set_detour(bool& detour, bool is_needed);
  void update_again();

  FileDescriptor socket_;  // before the TLS on it, which ends with a close_notify
  std::unique_ptr<TlsChannel> tls_;
  Reactor* reactor_;  // null while detached
  StreamListener* listener_ = nullptr;
  std::shared_ptr<const ClientTlsContext> context_;  // to begin TLS with; null: it can't, or has
  std::unique_ptr<const Route> route_;
  std::string error_;
  sockaddr_in6 peer_{};  // a client's; room for IPv4 and for the family of a unix socket
  std::uint32_t registered_events_ = 0;
  Interest interest_ = Interest::none;
  bool is_registered_ = false;
  bool may_begin_with_tls_ = false;  // is the first byte still to come, and may it be a TLS record?
  bool owes_call_ = false;           // has the reactor an on_again() to make?
  // Detours: TLS may have to write before it can read on, and the other way round.
  bool reading_needs_write_ = false;
  bool writing_needs_read_ = false;
};

}  // namespace ballast
