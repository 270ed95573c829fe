#include "proxy/app/http.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace ballast {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr std::chrono::seconds request_timeout{10};
constexpr std::uint32_t request_size_max = 8192;

HttpRequest to_request(const http::request<http::string_body>& message) {
  const std::string target(message.target());
  const std::size_t mark = target.find('?');
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  request.authorization = std::string(message[http::field::authorization]);
  request.host = std::string(message[http::field::host]);
  request.origin = std::string(message[http::field::origin]);
  return request;
}

// Lives as long as something is under way on it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<const HttpServer::Handler> handler)
      : stream_(std::move(socket)), handler_(std::move(handler)) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(request_size_max);
    parser_->body_limit(request_size_max);
    stream_.expires_after(request_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const beast::error_code& error, std::size_t) { self->on_read(error); });
  }

 private:
  void on_read(const beast::error_code& error) {
    if (error == http::error::header_limit || error == http::error::body_limit)
      return answer({413, "text/plain; charset=utf-8", "too large\n"});
    if (error) return;
    HttpRequest request = to_request(parser_->get());
    request.is_local = is_local();
    (*handler_)(request, [self = shared_from_this()](HttpAnswer answer) { self->answer(std::move(answer)); });
  }

  bool is_local() {
    beast::error_code unknown;
    const tcp::endpoint peer = stream_.socket().remote_endpoint(unknown);
    if (unknown) return false;
    const asio::ip::address address = peer.address();
    const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();  // with http_addr = ::
    return is_mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback()
                     : address.is_loopback();
  }

  void answer(HttpAnswer answer) {
    const bool is_head = parser_->get().method() == http::verb::head;
    message_ = {};
    message_.version(11);
    message_.result(static_cast<unsigned>(answer.status));
    message_.set(http::field::content_type, answer.content_type);
    message_.set(http::field::cache_control, "no-store");
    message_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : answer.headers) message_.set(name, value);
    message_.keep_alive(answer.status != 413 && parser_->get().keep_alive());
    message_.body() = std::move(answer.body);
    message_.prepare_payload();
    if (is_head) message_.body().clear();  // its length is told all the same
    stream_.expires_after(request_timeout);
    http::async_write(stream_, message_,
                      [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                        if (!error && self->message_.keep_alive()) return self->read();
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<const HttpServer::Handler> handler_;  // shared with the other connections
  beast::flat_buffer buffer_{request_size_max * 2};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
};

}  // namespace

class HttpServer::Door : public std::enable_shared_from_this<Door> {
 public:
  Door(asio::io_context& context, const tcp::endpoint& endpoint, Handler handler)
      : acceptor_(context, endpoint), handler_(std::make_shared<const Handler>(std::move(handler))) {}
  Door(asio::io_context& context, const tcp::endpoint& endpoint, Handler handler, int socket)
      : acceptor_(context, endpoint.protocol(), socket),
        handler_(std::make_shared<const Handler>(std::move(handler))) {}

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const beast::error_code& error, tcp::socket socket) {
      if (!self->acceptor_.is_open()) return;
      if (!error) std::make_shared<Connection>(std::move(socket), self->handler_)->read();
      self->accept();
    });
  }
  void close() {
    beast::error_code ignored;
    acceptor_.close(ignored);
  }
  int socket() { return acceptor_.native_handle(); }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  tcp::acceptor acceptor_;
  std::shared_ptr<const Handler> handler_;
};

HttpServer::HttpServer(asio::io_context& context, const std::string& address, std::uint16_t port,
                       Handler handler, FileDescriptor socket) {
  boost::system::error_code error;
  const asio::ip::address ip = asio::ip::make_address(address, error);
  if (error) throw std::runtime_error("http_addr = " + address + " is not an IP address");
  try {
    const tcp::endpoint endpoint(ip, port);
    door_ = socket ? std::make_shared<Door>(context, endpoint, std::move(handler), socket.release())
                   : std::make_shared<Door>(context, endpoint, std::move(handler));
  } catch (const boost::system::system_error& failure) {
    throw std::runtime_error("can't listen on " + address + ":" + std::to_string(port) +
                             " (http_port): " + failure.code().message());
  }
  door_->accept();
}

HttpServer::~HttpServer() { door_->close(); }

void HttpServer::close() { door_->close(); }

int HttpServer::socket() const { return door_->socket(); }

std::string HttpServer::address() const {
  const tcp::endpoint endpoint = door_->endpoint();
  const std::string ip = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + ip + "]" : ip) + ":" + std::to_string(endpoint.port());
}

}  // namespace ballast
