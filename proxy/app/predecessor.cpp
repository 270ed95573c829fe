#include "proxy/app/predecessor.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <sys/time.h>

#include "proxy/base/log.hpp"
#include "proxy/io/descriptor_passing.hpp"

namespace ballast {

namespace asio = boost::asio;
using handover::Protocol;

namespace {

constexpr timeval answer_timeout{5, 0};

[[noreturn]] void refuse(const std::string& why) {
  throw std::runtime_error("--replace: the process that serves there " + why);
}

// What it says next; throws if that is something else.
Parcel expect(Protocol::socket& socket, std::string_view text) {
  std::optional<Parcel> parcel = receive_parcel(socket.native_handle());
  if (!parcel || parcel->text != text) refuse("does not answer, or is being replaced already");
  return std::move(*parcel);
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::ask(asio::io_context& control, const Settings& settings) {
  const auto where = handover::meeting_point(settings);
  if (!where) return nullptr;
  Protocol::socket socket(control);
  boost::system::error_code error;
  socket.connect(*where, error);
  if (error) return nullptr;
  if (!handover::is_ours(socket)) refuse("is another user's");
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &answer_timeout, sizeof answer_timeout);
  if (!send_parcel(socket.native_handle(), handover::take_over, {})) refuse("has gone away");
  Parcel parcel = expect(socket, handover::sockets);
  InheritedSockets sockets;
  for (FileDescriptor& each : parcel.sockets) sockets.add(std::move(each), {});
  return std::make_unique<Predecessor>(std::move(socket), std::move(sockets));
}

Predecessor::Predecessor(Protocol::socket socket, InheritedSockets sockets)
    : socket_(std::move(socket)), sockets_(std::move(sockets)) {}

void Predecessor::serve() {
  if (!send_parcel(socket_.native_handle(), handover::serving, {})) refuse("has gone away");
  expect(socket_, handover::leaving);
  log::info("handover", "the process that served here leaves");
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  listen();
}

void Predecessor::listen() {
  socket_.async_wait(Protocol::socket::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    const std::optional<Parcel> parcel = receive_parcel(socket_.native_handle());
    if (!parcel) return end();
    if (const auto number = handover::read_cancelled(parcel->text)) {
      if (const auto found = cancels_.extract(*number)) found.mapped()();
    }
    listen();
  });
}

void Predecessor::cancel(CancelRequest request, std::function<void()> done) {
  const std::uint64_t number = ++last_cancel_;
  const bool is_sent =
      socket_.is_open() &&
      send_parcel(socket_.native_handle(), text_of(handover::Cancel{number, std::move(request)}), {});
  if (!is_sent) return done();
  cancels_.emplace(number, std::move(done));
}

void Predecessor::end() {
  log::info("handover", "the process that served here has ended");
  boost::system::error_code ignored;
  socket_.close(ignored);
  for (const auto& [number, done] : std::exchange(cancels_, {})) done();
}

}  // namespace ballast
