#include "proxy/io/socket_stream.hpp"

#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxy/io/client_tls.hpp"
#include "proxy/io/descriptor_passing.hpp"
#include "proxy/io/tls_channel.hpp"

namespace ballast {
namespace {

constexpr char tls_handshake_record = 0x16;  // RFC 8446 section 5.1, ContentType

bool is_would_block(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

}  // namespace

SocketStream::SocketStream(Reactor& reactor, FileDescriptor socket,
                           std::shared_ptr<const ClientTlsContext> tls)
    : socket_(std::move(socket)),
      reactor_(&reactor),
      context_(std::move(tls)),
      may_begin_with_tls_(context_ != nullptr) {
  set_client_options(socket_.get());
  socklen_t size = sizeof peer_;  // the name of a unix socket is cut off, and not missed
  ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer_), &size);
}

SocketStream::SocketStream(Reactor& reactor, FileDescriptor socket, std::unique_ptr<TlsChannel> tls,
                           Route route)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      reactor_(&reactor),
      route_(std::make_unique<const Route>(std::move(route))) {}

SocketStream::~SocketStream() {
  if (reactor_ != nullptr) reactor_->forget(*this);
}

IoResult SocketStream::read(std::span<char> into) {
  assert(!into.empty());
  if (may_begin_with_tls_) {
    const IoResult first = look_at_first_byte();
    if (first.status != IoStatus::ok) return first;
  }
  return tls_ != nullptr ? read_tls(into) : read_plain(into);
}

// Leaves the byte where it is: it belongs to the handshake, or to the startup packet.
IoResult SocketStream::look_at_first_byte() {
  char first = 0;
  const ssize_t got = ::recv(socket_.get(), &first, 1, MSG_PEEK);
  if (got == 0) return {IoStatus::closed};
  if (got < 0) return fail_with(errno);
  may_begin_with_tls_ = false;
  if (first == tls_handshake_record) begin_tls(Alpn::required);
  return {IoStatus::ok};
}

IoResult SocketStream::read_plain(std::span<char> into) {
  const ssize_t got = ::recv(socket_.get(), into.data(), into.size(), 0);
  if (got > 0) return {IoStatus::ok, static_cast<std::size_t>(got)};
  return got == 0 ? IoResult{IoStatus::closed} : fail_with(errno);
}

IoResult SocketStream::read_tls(std::span<char> into) {
  std::size_t bytes = 0;
  const TlsStatus status = tls_->read(into, bytes);
  set_detour(reading_needs_write_, status == TlsStatus::wants_write);
  update_again();
  return result_of(status, bytes);
}

IoResult SocketStream::write(std::string_view bytes) {
  if (tls_ != nullptr) return write_tls(bytes);
  const ssize_t taken = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return taken >= 0 ? IoResult{IoStatus::ok, static_cast<std::size_t>(taken)} : fail_with(errno);
}

IoResult SocketStream::write_tls(std::string_view bytes) {
  std::size_t taken = 0;
  const TlsStatus status = tls_->write(bytes, taken);
  set_detour(writing_needs_read_, status == TlsStatus::wants_read);
  return result_of(status, taken);
}

IoResult SocketStream::fail_with(int error_number) {
  if (is_would_block(error_number) || error_number == EINTR) return {IoStatus::would_block};
  error_ = error_text(error_number);
  return {IoStatus::failed};
}

// TLS puts its name before the system's own text.
bool SocketStream::has_timed_out() const { return error_.ends_with(error_text(ETIMEDOUT)); }

IoResult SocketStream::result_of(TlsStatus status, std::size_t bytes) {
  switch (status) {
    case TlsStatus::ok:
      return {IoStatus::ok, bytes};
    case TlsStatus::wants_read:
    case TlsStatus::wants_write:
      return {IoStatus::would_block};
    case TlsStatus::closed:
      return {IoStatus::closed};
    case TlsStatus::failed:
      break;
  }
  error_ = "TLS: " + tls_->error();
  return {IoStatus::failed};
}

bool SocketStream::start_tls() {
  if (context_ == nullptr) return false;
  begin_tls(Alpn::optional);
  return true;
}

void SocketStream::begin_tls(Alpn alpn) {
  tls_ = context_->accept(socket_.get(), alpn);
  context_.reset();
  may_begin_with_tls_ = false;
}

void SocketStream::listen(StreamListener* listener, Interest interest) {
  assert(reactor_ != nullptr);
  listener_ = listener;
  interest_ = interest;
  update_registration();
  update_again();
}

bool SocketStream::wants(Interest one) const {
  return (static_cast<unsigned>(interest_) & static_cast<unsigned>(one)) != 0;
}

// Which events of the socket serve what the listener is interested in.
void SocketStream::update_registration() {
  std::uint32_t events = 0;
  if (wants(Interest::read)) events |= reading_needs_write_ ? EPOLLOUT : EPOLLIN;
  if (wants(Interest::write)) events |= writing_needs_read_ ? EPOLLIN : EPOLLOUT;
  if (events == registered_events_) return;
  if (is_registered_) {
    reactor_->change(socket_.get(), events, *this);
  } else {
    reactor_->add(socket_.get(), events, *this);
    is_registered_ = true;
  }
  registered_events_ = events;
}

void SocketStream::set_detour(bool& detour, bool is_needed) {
  if (detour == is_needed) return;
  detour = is_needed;
  update_registration();
}

// No event will announce what TLS already holds, so the reactor calls once more, for as long as that is so.
void SocketStream::update_again() {
  const bool is_needed = tls_ != nullptr && tls_->holds_bytes() && wants(Interest::read);
  if (is_needed == owes_call_) return;
  owes_call_ = is_needed;
  if (is_needed) {
    reactor_->again(*this);
  } else {
    reactor_->not_again(*this);
  }
}

void SocketStream::on_events(std::uint32_t events) {
  const bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool in = is_broken || (events & EPOLLIN) != 0;
  const bool out = is_broken || (events & EPOLLOUT) != 0;
  // While on_again() is owed, it makes the call, so that there is one in a turn.
  const bool can_read = !owes_call_ && (reading_needs_write_ ? out : in);
  const bool can_write = writing_needs_read_ ? in : out;
  if (interest_ == Interest::none && is_broken) return leave_epoll();
  Reactor& reactor = *reactor_;
  if (can_read && wants(Interest::read)) {
    listener_->on_readable();
    if (!reactor.is_calling(*this)) return;
  }
  if (can_write && wants(Interest::write)) listener_->on_writable();
}

// epoll reports a hang-up even where nobody is interested, and does so in every turn. The next interest comes
// back.
void SocketStream::leave_epoll() {
  reactor_->remove(socket_.get(), *this);
  is_registered_ = false;
  registered_events_ = 0;
}

// The next call is asked for before this one, not after it: the listener may destroy this stream. A read that
// leaves nothing behind takes it back.
void SocketStream::on_again() {
  owes_call_ = false;
  update_again();
  if (owes_call_) listener_->on_readable();
}

std::string SocketStream::peer() const {
  if (route_ != nullptr) return route_->text;
  if (peer_.sin6_family == AF_UNIX) return "unix";
  return text_of(SocketAddress::from_raw({reinterpret_cast<const char*>(&peer_), sizeof peer_}));
}

std::string SocketStream::channel_binding() const { return tls_ != nullptr ? tls_->channel_binding() : ""; }

std::string SocketStream::peer_common_name() const { return tls_ != nullptr ? tls_->peer_common_name() : ""; }

StreamFigures SocketStream::figures() const {
  StreamFigures figures;
  figures.fd = socket_.get();
  const SocketAddress local = local_address(socket_.get());
  HostAndPort ours = host_and_port(local);
  HostAndPort theirs = host_and_port(peer_address(socket_.get()));
  figures.local_address = std::move(ours.host);
  figures.local_port = ours.port;
  figures.address = std::move(theirs.host);
  figures.port = theirs.port;
  if (local.storage.ss_family == AF_UNIX) {
    const auto process = peer_process(socket_.get());
    figures.peer_pid = process ? process->pid : 0;
  }
  if (tls_ != nullptr) figures.tls = tls_->description();
  return figures;
}

void SocketStream::detach() {
  assert(reactor_ != nullptr);
  if (is_registered_) leave_epoll();
  reactor_->forget(*this);
  if (tls_ != nullptr) tls_->forget_session_store();
  reactor_ = nullptr;
  listener_ = nullptr;
  interest_ = Interest::none;
  owes_call_ = false;
}

void SocketStream::attach(Loop& reactor) {
  assert(reactor_ == nullptr);
  reactor_ = &static_cast<Reactor&>(reactor);
}

}  // namespace ballast
