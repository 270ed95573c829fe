// HttpServer: a small HTTP/1.1 server for operators and Prometheus. Control thread.
//
// A connection has one request at a time, of at most 8 kB, and 10 s for it; then it is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy/io/socket.hpp"

namespace ballast {

struct HttpRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // behind the "?"
  std::string authorization;
  std::string host;       // by which name it was asked
  std::string origin;     // browsers send it with what a page makes them ask
  bool is_local = false;  // from this machine
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

class HttpServer {
 public:
  using Reply = std::function<void(HttpAnswer)>;
  // Replies once, at once or later, on the control thread.
  using Handler = std::function<void(const HttpRequest&, Reply)>;

  // On a socket that listens there already, if one is given. Throws std::runtime_error with one line if the
  // address can't be had.
  HttpServer(boost::asio::io_context& context, const std::string& address, std::uint16_t port,
             Handler handler, FileDescriptor socket = {});
  ~HttpServer();

  // "127.0.0.1:9127"
  std::string address() const;
  int socket() const;
  // No new connections.
  void close();

 private:
  class Door;
  std::shared_ptr<Door> door_;  // its connections outlive it for as long as they answer
};

}  // namespace ballast
