#include "proxy/io/connect_attempt.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <exception>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxy/io/socket_stream.hpp"
#include "proxy/io/upstream_tls.hpp"

namespace ballast {
namespace {

// Length 8 and the code 80877103 (manual 55.7 "Message Formats", SSLRequest).
constexpr std::array<unsigned char, 8> ssl_request{0, 0, 0, 8, 4, 210, 22, 47};

constexpr std::size_t max_failures_size =
    1000;  // a name with hundreds of dead addresses still makes one line

bool is_folder(const std::string& host) {
  return !host.empty() && (host.front() == '/' || host.front() == '@');
}

}  // namespace

ConnectAttempt::ConnectAttempt(Reactor& reactor, Resolver& resolver, UpstreamTls& tls, ConnectPlan plan,
                               Connector::Done done)
    : reactor_(reactor),
      resolver_(resolver),
      tls_(tls),
      plan_(std::move(plan)),
      done_(std::move(done)),
      alarm_(reactor, *this),
      began_at_(reactor.now()) {
  alarm_.set(reactor_.now());
}

ConnectAttempt::~ConnectAttempt() { close_socket(); }

void ConnectAttempt::on_alarm() {
  proceed(stage_ == Stage::not_started ? Progress::next : fail("timed out"));
}

void ConnectAttempt::on_events(std::uint32_t) {
  switch (stage_) {
    case Stage::connecting:
      return proceed(on_connected());
    case Stage::asking_for_tls:
      return proceed(read_tls_answer());
    case Stage::shaking_hands:
      return proceed(shake_hands());
    case Stage::not_started:
    case Stage::looking_up:
      break;
  }
  assert(false && "an event of a socket that is not there");
}

void ConnectAttempt::proceed(Progress progress) {
  while (progress == Progress::next) {
    close_socket();
    if (plan_.candidates.empty()) return finish(nullptr);
    current_ = std::move(plan_.candidates.front());
    plan_.candidates.pop_front();
    progress = reactor_.now() < plan_.deadline ? try_next() : fail("timed out");
  }
  if (progress == Progress::connected) finish(make_stream());
}

ConnectAttempt::Progress ConnectAttempt::try_next() {
  alarm_.set(deadline_of_candidate());
  return current_.address ? connect() : look_up();
}

// An address that swallows packets must not use up the time of those behind it: each has an equal share of
// what is left. connect_timeout is libpq's, which counts by address, too.
TimePoint ConnectAttempt::deadline_of_candidate() const {
  const auto shares = static_cast<Duration::rep>(plan_.candidates.size() + 1);
  const TimePoint share = reactor_.now() + (plan_.deadline - reactor_.now()) / shares;
  const auto timeout = plan_.target.connect_timeout;
  return timeout.count() > 0 ? std::min(share, reactor_.now() + timeout) : share;
}

ConnectAttempt::Progress ConnectAttempt::look_up() {
  stage_ = Stage::looking_up;
  const UpstreamHost& host = current_.host;
  if (host.hostaddr.empty() && is_folder(host.host)) {
    current_.tls_use = TlsUse::never;  // as in libpq: a unix socket needs none
    const auto addresses = unix_address(host.host, host.port);
    return addresses.empty() ? fail("the path of the socket is too long") : use_addresses(addresses);
  }
  const auto addresses = numeric_address(host.hostaddr.empty() ? host.host : host.hostaddr, host.port);
  if (!addresses.empty()) return use_addresses(addresses);
  if (!host.hostaddr.empty()) return fail("hostaddr \"" + host.hostaddr + "\" is not an address");
  question_ = resolver_.ask(reactor_, host.host, host.port,
                            [this](const Resolver::Answer& answer) { on_answer(answer); });
  return Progress::waiting;
}

void ConnectAttempt::on_answer(const Resolver::Answer& answer) {
  question_.reset();
  proceed(answer.addresses.empty() ? fail(answer.error) : use_addresses(answer.addresses));
}

ConnectAttempt::Progress ConnectAttempt::use_addresses(const std::vector<SocketAddress>& addresses) {
  for (auto address = addresses.rbegin(); address != addresses.rend(); ++address) {
    plan_.candidates.push_front({current_.host, current_.tls_use, *address});
  }
  return Progress::next;
}

ConnectAttempt::Progress ConnectAttempt::connect() {
  stage_ = Stage::connecting;
  const SocketAddress& address = *current_.address;
  const int family = address.storage.ss_family;
  socket_ = FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return fail(error_text(errno));
  if (family != AF_UNIX) set_server_options(socket_.get(), plan_.target);
  if (::connect(socket_.get(), address.get(), address.size) == 0) return on_connected();
  if (errno != EINPROGRESS) return fail(error_text(errno));
  watch(EPOLLOUT);
  return Progress::waiting;
}

ConnectAttempt::Progress ConnectAttempt::on_connected() {
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0) return fail(error_text(error_number));
  tcp_connected_at_ = reactor_.now();
  if (current_.tls_use == TlsUse::never) return Progress::connected;
  return plan_.target.sslnegotiation == SslNegotiation::direct ? begin_tls() : ask_for_tls();
}

ConnectAttempt::Progress ConnectAttempt::ask_for_tls() {
  stage_ = Stage::asking_for_tls;
  const ssize_t sent = ::send(socket_.get(), ssl_request.data(), ssl_request.size(), MSG_NOSIGNAL);
  if (sent < 0) return fail(error_text(errno));
  if (sent != ssize_t{ssl_request.size()}) return fail("the socket takes no 8 bytes");
  watch(EPOLLIN);
  return Progress::waiting;
}

// One byte is the answer. The server has nothing to say behind it before our handshake; if there is more,
// somebody between us wants it to be taken for what came through TLS (CVE-2021-23222).
ConnectAttempt::Progress ConnectAttempt::read_tls_answer() {
  std::array<char, 2> answer{};
  const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
  if (got < 0) return errno == EAGAIN ? Progress::waiting : fail_tls(error_text(errno));
  if (got == 0) return fail_tls("the server closed the connection");
  // The text behind 'E' is not shown: nobody has vouched for it (CVE-2024-10977).
  if (answer[0] == 'E') return fail_tls("the server answered with an error");
  if (got > 1) return fail("the server sent unencrypted data behind its answer");
  if (answer[0] == 'S') return begin_tls();
  if (answer[0] != 'N') return fail_tls("the server's answer is not PostgreSQL's");
  if (current_.tls_use == TlsUse::always)
    return fail("the server does not support TLS, and sslmode demands it");
  current_.tls_use = TlsUse::never;
  return Progress::connected;
}

ConnectAttempt::Progress ConnectAttempt::begin_tls() {
  stage_ = Stage::shaking_hands;
  try {
    channel_ = tls_.context_for(plan_.target).connect(socket_.get(), current_.host);
  } catch (const std::exception& error) {  // files that can't be read, at the first handshake with them
    return fail(error.what());
  }
  if (channel_ == nullptr) return fail("sslmode=verify-full needs a host name to verify");
  return shake_hands();
}

ConnectAttempt::Progress ConnectAttempt::shake_hands() {
  switch (channel_->handshake()) {
    case TlsStatus::ok:
      return Progress::connected;
    case TlsStatus::wants_read:
      watch(EPOLLIN);
      return Progress::waiting;
    case TlsStatus::wants_write:
      watch(EPOLLOUT);
      return Progress::waiting;
    case TlsStatus::closed:
      return fail_tls("the server closed the connection");
    case TlsStatus::failed:
      break;
  }
  return fail_tls(channel_->error());
}

ConnectAttempt::Progress ConnectAttempt::fail(std::string_view cause) {
  static constexpr std::array<std::string_view, 5> stages{"start", "DNS", "TCP", "SSLRequest",
                                                          "TLS handshake"};
  if (failures_.size() > max_failures_size) return Progress::next;
  if (!failures_.empty()) failures_ += "; ";
  failures_ += candidate_text() + ": ";
  failures_ += stages[static_cast<std::size_t>(stage_)];
  failures_ += ": ";
  failures_ += cause;
  return Progress::next;
}

ConnectAttempt::Progress ConnectAttempt::fail_tls(std::string_view cause) {
  if (current_.tls_use == TlsUse::if_possible) {
    plan_.candidates.push_front({current_.host, TlsUse::never, current_.address});
  }
  return fail(cause);
}

std::string ConnectAttempt::candidate_text() const {
  const std::string& name = current_.host.host;
  if (!current_.address) return name.empty() ? current_.host.hostaddr : name;
  const std::string address = text_of(*current_.address);
  const bool is_name = !name.empty() && !is_folder(name) && numeric_address(name, 0).empty();
  return is_name ? name + " (" + address + ")" : address;
}

void ConnectAttempt::note_figures() {
  figures_.connect_time = tcp_connected_at_ - began_at_;
  if (channel_ == nullptr) return;
  figures_.tls_time = reactor_.now() - tcp_connected_at_;
  figures_.certificate_expires_s = channel_->peer_certificate_expires_s();
}

std::unique_ptr<Stream> ConnectAttempt::make_stream() {
  note_figures();
  if (watched_events_ != 0) reactor_.remove(socket_.get(), *this);
  watched_events_ = 0;
  Route route{current_.host.host, current_.address->raw(), text_of(*current_.address), channel_ != nullptr};
  return std::make_unique<SocketStream>(reactor_, std::move(socket_), std::move(channel_), std::move(route));
}

void ConnectAttempt::finish(std::unique_ptr<Stream> stream) {
  alarm_.cancel();
  std::string error;
  if (stream == nullptr) error = "connect to " + (failures_.empty() ? "nowhere: no host" : failures_);
  const Connector::Done done = std::move(done_);
  done({std::move(stream), std::move(error), figures_});
}

void ConnectAttempt::watch(std::uint32_t events) {
  if (events == watched_events_) return;
  if (watched_events_ == 0) {
    reactor_.add(socket_.get(), events, *this);
  } else {
    reactor_.change(socket_.get(), events, *this);
  }
  watched_events_ = events;
}

void ConnectAttempt::close_socket() {
  question_.reset();
  channel_.reset();
  if (socket_) reactor_.forget(*this);
  socket_ = FileDescriptor();
  watched_events_ = 0;
}

}  // namespace ballast
