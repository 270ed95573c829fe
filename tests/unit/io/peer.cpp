#include "tests/unit/io/peer.hpp"

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/err.h>

namespace ballast::test {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// The system's own buffers hold megabytes; these are full soon.
void make_small(int fd) {
  const int size = 64 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

}  // namespace

bool run_until(Reactor& reactor, const std::function<bool()>& is_done) {
  const auto limit = Clock::now() + patience;
  while (!is_done()) {
    if (Clock::now() > limit) return false;
    reactor.run_once(10ms);
  }
  return true;
}

int turns_of_an_idle_moment(Reactor& reactor) {
  struct Flag : AlarmHandler {
    void on_alarm() override { is_up = true; }
    bool is_up = false;
  } flag;
  Alarm alarm(reactor, flag);
  reactor.run_once(0s);
  alarm.set(reactor.now() + 5ms);
  int turns = 0;
  for (; !flag.is_up; ++turns) reactor.run_once(1h);
  return turns;
}

Peer::Peer(FileDescriptor socket) : socket_(std::move(socket)) {
  const timeval timeout{std::chrono::seconds(patience).count(), 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int at_once = 1;  // what is written must be there when write() has returned
  ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
}

bool Peer::begin(SSL_CTX* context) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  return SSL_set_fd(ssl_.get(), fd()) == 1;
}

bool Peer::accept_tls(SSL_CTX* context) { return begin(context) && SSL_accept(ssl_.get()) == 1; }

bool Peer::connect_tls(SSL_CTX* context) { return begin(context) && SSL_connect(ssl_.get()) == 1; }

void Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto taken = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    expect(taken > 0, "the peer can't write");
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
}

void Peer::gather(const std::function<void()>& write_all) {
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  write_all();
  ::setsockopt(fd(), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
}

std::size_t Peer::read_some(char* into, std::size_t size) {
  const auto got = ssl_ ? SSL_read(ssl_.get(), into, static_cast<int>(size)) : ::recv(fd(), into, size, 0);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::string Peer::read(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const std::size_t got = read_some(bytes.data() + have, size - have);
    expect(got > 0, "the peer was to read more than there is");
    have += got;
  }
  return bytes;
}

std::string Peer::read_to_end() {
  std::string bytes;
  std::array<char, 16384> part;
  while (const std::size_t got = read_some(part.data(), part.size())) bytes.append(part.data(), got);
  return bytes;
}

void Peer::close() {
  ssl_.reset();
  socket_ = FileDescriptor();
}

void Peer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

Listener::Listener(const std::string& address) : address_(address) {
  SocketAddress bound = numeric_address(address, 0).at(0);
  socket_ = FileDescriptor(::socket(bound.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect(::bind(socket_.get(), bound.get(), bound.size) == 0, "bind");
  expect(::listen(socket_.get(), 64) == 0, "listen");
  expect(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) == 0,
         "getsockname");
  make_small(socket_.get());  // which accepted sockets inherit
  const std::string text = text_of(bound);
  port_ = static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
  const timeval timeout{std::chrono::seconds(patience).count(), 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

FileDescriptor Listener::accept_socket() {
  FileDescriptor accepted(::accept(socket_.get(), nullptr, nullptr));
  expect(static_cast<bool>(accepted), "nobody came");
  return accepted;
}

Peer Listener::accept() { return Peer(accept_socket()); }

Peer Listener::connect() const {
  const SocketAddress to = numeric_address(address_, port_).at(0);
  FileDescriptor socket(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  make_small(socket.get());
  expect(::connect(socket.get(), to.get(), to.size) == 0, "connect");
  return Peer(std::move(socket));
}

Script::Script(std::function<void()> script)
    : thread_([this, script = std::move(script)] {
        try {
          script();
        } catch (...) {
          failure_ = std::current_exception();
        }
      }) {}

Script::~Script() {
  if (thread_.joinable()) thread_.join();
}

void Script::finish() {
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace ballast::test
