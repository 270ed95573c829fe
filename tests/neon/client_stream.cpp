#include "tests/neon/client_stream.hpp"

#include <utility>

#include <linux/filter.h>
#include <sys/socket.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "protocol/message.hpp"
#include "protocol/reader.hpp"

namespace ballast::neon {
namespace {

constexpr Milliseconds patience_at_end(100);
constexpr std::size_t max_login_message = 64 * 1024;

}  // namespace

void deafen(int socket) {
  sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &nothing};
  setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void hear_again(int socket) {
  const int unused = 0;
  setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

ClientStream::ClientStream(Tcp tcp, FrontTls& tls) : tcp_(std::move(tcp)), tls_settings_(tls) {
  ErrorCode ignored;
  tcp_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

std::string ClientStream::server_name() {
  const char* name = tls_ ? SSL_get_servername(tls_->native_handle(), TLSEXT_NAMETYPE_host_name) : nullptr;
  return name == nullptr ? std::string() : std::string(name);
}

Task<char> ClientStream::peek() {
  char first = 0;
  const asio::mutable_buffer buffer(&first, 1);
  co_await tcp_.async_receive(buffer, Tcp::message_peek, asio::use_awaitable);
  co_return first;
}

Task<std::string> ClientStream::read_exactly(std::size_t size) {
  std::string bytes(size, '\0');
  const auto buffer = asio::buffer(bytes);
  if (tls_)
    co_await asio::async_read(*tls_, buffer, asio::use_awaitable);
  else
    co_await asio::async_read(tcp_, buffer, asio::use_awaitable);
  co_return bytes;
}

Task<std::string> ClientStream::read_packet() {
  std::string packet = co_await read_exactly(4);
  const std::int32_t length = Reader(packet).int32();
  if (length < 8 || length > static_cast<std::int32_t>(max_startup_packet_length)) co_return std::string();
  packet += co_await read_exactly(static_cast<std::size_t>(length) - 4);
  co_return packet;
}

Task<std::string> ClientStream::read_message() {
  std::string message = co_await read_exactly(header_size);
  const Header header = read_header(message.data());
  if (!valid(header) || header.total() > max_login_message)
    throw boost::system::system_error(
        boost::system::errc::make_error_code(boost::system::errc::protocol_error));
  message += co_await read_exactly(header.body_size());
  co_return message;
}

bool ClientStream::has_more() const {
  if (!tls_) return tcp_.available() > 0;
  SSL* const ssl = const_cast<Tls&>(*tls_).native_handle();
  return SSL_has_pending(ssl) == 1 || BIO_pending(SSL_get_rbio(ssl)) > 0;
}

Task<void> ClientStream::write(std::string bytes) {
  const auto buffer = asio::buffer(bytes);
  if (tls_)
    co_await asio::async_write(*tls_, buffer, asio::use_awaitable);
  else
    co_await asio::async_write(tcp_, buffer, asio::use_awaitable);
}

Task<void> ClientStream::start_tls() {
  tls_.emplace(tcp_, tls_settings_.context());
  co_await tls_->async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
}

void ClientStream::cancel() {
  ErrorCode ignored;
  tcp_.cancel(ignored);
}

void ClientStream::reset() {
  ErrorCode ignored;
  tcp_.set_option(asio::socket_base::linger(true, 0), ignored);
  tcp_.close(ignored);
}

void ClientStream::hang_up() {
  ErrorCode ignored;
  tcp_.shutdown(Tcp::shutdown_both, ignored);
}

void ClientStream::deafen() { neon::deafen(tcp_.native_handle()); }

Task<void> ClientStream::close() {
  ErrorCode ignored;
  if (tls_) {
    const Deadline deadline(tcp_.get_executor(), patience_at_end, [this] { cancel(); });
    co_await tls_->async_shutdown(with_error);
  }
  tcp_.shutdown(Tcp::shutdown_both, ignored);
  tcp_.close(ignored);
}

}  // namespace ballast::neon
