#include "proxy/app/listener.hpp"

#include <chrono>
#include <utility>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/base/log.hpp"

namespace ballast {

namespace asio = boost::asio;

namespace {

// After an accept that failed for want of descriptors or memory: long enough not to spin, short enough not to
// be felt.
constexpr std::chrono::milliseconds accept_pause{100};

using AnyProtocol = asio::generic::stream_protocol;
using AnyAcceptor = asio::basic_socket_acceptor<AnyProtocol>;
using AnyEndpoint = AnyProtocol::endpoint;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  std::string item;
  for (const char c : list + ",") {
    if (c == ',') {
      if (!item.empty()) items.push_back(std::exchange(item, {}));
    } else if (c != ' ') {
      item.push_back(c);
    }
  }
  return items;
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string shown = endpoint.address().is_v6() ? "[" + address + "]" : address;
  return shown + ":" + std::to_string(endpoint.port());
}

std::vector<asio::ip::tcp::endpoint> endpoints_of(asio::io_context& context, const std::string& name) {
  using asio::ip::address_v4;
  using asio::ip::address_v6;
  using asio::ip::tcp;
  if (name == "*") return {tcp::endpoint(tcp::v4(), 0), tcp::endpoint(tcp::v6(), 0)};
  if (name == "localhost")  // whatever the system says (RFC 6761, 6.3)
    return {tcp::endpoint(address_v4::loopback(), 0), tcp::endpoint(address_v6::loopback(), 0)};
  boost::system::error_code error;
  std::vector<tcp::endpoint> endpoints;
  for (const auto& found : tcp::resolver(context).resolve(name, "", error)) {
    endpoints.push_back(found.endpoint());
  }
  if (endpoints.empty()) throw ListenError("listen_addr = " + name + ": " + error.message());
  return endpoints;
}

}  // namespace

// One listening socket.
class Listener::Door {
 public:
  Door(asio::io_context& context, std::string name, Accepted accepted)
      : acceptor_(context), pause_(context), name_(std::move(name)), accepted_(std::move(accepted)) {}

  void adopt(FileDescriptor socket) {
    const char first = name_.front();
    const int family = first == '/' || first == '@' ? AF_UNIX : first == '[' ? AF_INET6 : AF_INET;
    acceptor_.assign(AnyProtocol(family, 0), socket.release());
  }
  void bind(const AnyEndpoint& endpoint, const Settings& settings) {
    acceptor_.open(endpoint.protocol());
    if (endpoint.protocol().family() != AF_UNIX) acceptor_.set_option(asio::socket_base::reuse_address(true));
    if (endpoint.protocol().family() != AF_UNIX && settings.so_reuseport == Switch::on) {
      const int on = 1;
      ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (endpoint.protocol().family() == AF_INET6) acceptor_.set_option(asio::ip::v6_only(true));
    acceptor_.bind(endpoint);
    if (endpoint.protocol().family() != AF_UNIX)  // the system may have chosen the port
      name_ = name_.substr(0, name_.rfind(':') + 1) + std::to_string(port());
  }

  void listen(int backlog) { acceptor_.listen(backlog); }
  void open() {
    is_open_ = true;
    if (!std::exchange(is_accepting_, true)) accept();
  }
  void hold() {
    is_open_ = false;
    boost::system::error_code ignored;
    acceptor_.cancel(ignored);
    pause_.cancel();
  }
  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }
  void remove_file() const {
    if (name_.front() == '/') unlink(name_.c_str());
  }
  int socket() { return acceptor_.native_handle(); }
  const std::string& name() const { return name_; }
  bool is_bound() const { return acceptor_.is_open(); }
  std::uint16_t port() const {
    const auto endpoint = acceptor_.local_endpoint();
    return ntohs(
        reinterpret_cast<const sockaddr_in*>(endpoint.data())->sin_port);  // the same place in sockaddr_in6
  }
  StreamFigures figures() {
    StreamFigures figures;
    figures.fd = acceptor_.native_handle();
    const std::size_t colon = name_.rfind(':');
    const bool is_unix = name_.front() == '/' || name_.front() == '@';
    const bool has_brackets = name_.front() == '[';
    figures.address = is_unix ? "unix" : name_.substr(has_brackets, colon - (has_brackets ? 2 : 0));
    if (!is_unix) figures.port = port();
    return figures;
  }

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, AnyProtocol::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) accepted_(FileDescriptor(socket.release()));
      if (!is_open_) {
        is_accepting_ = false;
        return;
      }
      if (!error || error == asio::error::operation_aborted) return accept();
      log::warning("listener", name_ + ": accept: " + error.message());
      pause_.expires_after(accept_pause);
      pause_.async_wait([this](const boost::system::error_code&) {
        if (!acceptor_.is_open()) return;
        if (is_open_) return accept();
        is_accepting_ = false;
      });
    });
  }

  AnyAcceptor acceptor_;
  asio::steady_timer pause_;
  std::string name_;
  Accepted accepted_;
  bool is_open_ = false;
  bool is_accepting_ = false;  // is there an accept under way, or a pause after one?
};

namespace {

bool is_of_other_machines(const boost::system::error_code& error) {
  return error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

// A socket file that nobody listens on any more is in the way of our own.
void remove_stale_socket(asio::io_context& context, const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  asio::local::stream_protocol::socket probe(context);
  boost::system::error_code error;
  probe.connect(path, error);
  if (error == asio::error::connection_refused) unlink(path.c_str());
}

}  // namespace

Listener::Listener(asio::io_context& context, const Settings& settings, Accepted accepted,
                   InheritedSockets inherited) {
  are_ours_ = !inherited.are_of_service();
  if (are_ours_) {
    bind(context, settings, accepted, inherited);
  } else {
    for (InheritedSockets::Item& item : inherited.take_all()) {
      doors_.push_back(std::make_unique<Door>(context, item.address, accepted));
      doors_.back()->adopt(std::move(item.socket));
    }
  }
  if (doors_.empty())
    throw ListenError("listen_addr and unix_socket_dir are both empty: nothing to listen on");
  for (const auto& door : doors_) door->listen(settings.listen_backlog);
  open();
}

void Listener::bind(asio::io_context& context, const Settings& settings, const Accepted& accepted,
                    InheritedSockets& inherited) {
  for (const std::string& item : split(settings.listen_addr))
    bind_tcp(context, item, settings, accepted, inherited);
  if (!settings.unix_socket_dir.empty()) bind_unix(context, settings, accepted, inherited);
}

// A name may stand for addresses that this machine has not: localhost and * for those of IPv6.
void Listener::bind_tcp(asio::io_context& context, const std::string& item, const Settings& settings,
                        const Accepted& accepted, InheritedSockets& inherited) {
  std::string missing;
  const std::size_t before = doors_.size();
  for (auto endpoint : endpoints_of(context, item)) {
    endpoint.port(port(settings));
    const std::string name = text_of(endpoint);
    try {
      auto door = std::make_unique<Door>(context, name, accepted);
      if (FileDescriptor socket = inherited.take(name)) {
        door->adopt(std::move(socket));
      } else {
        door->bind(AnyEndpoint(endpoint), settings);
      }
      doors_.push_back(std::move(door));
    } catch (const boost::system::system_error& error) {
      missing = "can't listen on " + name + ": " + error.code().message();
      if (!is_of_other_machines(error.code())) throw ListenError(missing);
    }
  }
  if (doors_.size() == before) throw ListenError(missing);
  if (!missing.empty()) log::info("listener", missing);
}

void Listener::bind_unix(asio::io_context& context, const Settings& settings, const Accepted& accepted,
                         InheritedSockets& inherited) {
  const std::string path = settings.unix_socket_dir + "/.s.PGSQL." + std::to_string(port(settings));
  auto door = std::make_unique<Door>(context, path, accepted);
  if (FileDescriptor socket = inherited.take(path)) {
    door->adopt(std::move(socket));
  } else {
    try {
      remove_stale_socket(context, path);
      door->bind(AnyEndpoint(asio::local::stream_protocol::endpoint(path)), settings);
    } catch (const boost::system::system_error& error) {
      throw ListenError("can't listen on " + path + " (unix_socket_dir): " + error.code().message());
    }
    chmod(path.c_str(), static_cast<mode_t>(settings.unix_socket_mode));
  }
  doors_.push_back(std::move(door));
}

// One for all: where the system is to choose, it does so once.
std::uint16_t Listener::port(const Settings& settings) const {
  return settings.listen_port == 0 && !doors_.empty() ? doors_.front()->port() : settings.listen_port;
}

Listener::~Listener() = default;

void Listener::open() {
  for (const auto& door : doors_) door->open();
}

void Listener::hold() {
  for (const auto& door : doors_) door->hold();
}

void Listener::close() {
  if (are_ours_) {
    for (const auto& door : doors_) door->remove_file();
  }
  for (const auto& door : doors_) door->close();
}

void Listener::give_away() {
  are_ours_ = false;
  close();
}

std::vector<int> Listener::sockets() {
  std::vector<int> sockets;
  for (const auto& door : doors_) sockets.push_back(door->socket());
  return sockets;
}

std::vector<StreamFigures> Listener::figures() {
  std::vector<StreamFigures> figures;
  for (const auto& door : doors_) {
    if (door->is_bound()) figures.push_back(door->figures());
  }
  return figures;
}

std::vector<std::string> Listener::addresses() const {
  std::vector<std::string> names;
  for (const auto& door : doors_) names.push_back(door->name());
  return names;
}

}  // namespace ballast
