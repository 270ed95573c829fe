// Front's first part: from a client's first byte to its StartupMessage over TLS, or its CancelRequest.
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>

#include "protocol/message.hpp"
#include "protocol/writer.hpp"

#include "tests/neon/front.hpp"

namespace ballast::neon {
namespace {

constexpr char tls_handshake = 0x16;  // the first byte of a ClientHello's record

}  // namespace

Task<bool> Front::greet() {
  const char first = co_await client_.peek();
  co_await round_trip();
  if (first != tls_handshake && !co_await greet_in_clear()) co_return false;
  co_await round_trip();
  co_await client_.start_tls();
  timeline_.tls = age();
  co_return co_await greet_over_tls();
}

// True: TLS is to start.
Task<bool> Front::greet_in_clear() {
  bool was_gssenc_asked = false;
  for (;;) {
    const std::string packet = co_await client_.read_packet();
    std::size_t consumed = 0;
    const StartupPacket request = read_startup_packet(packet, consumed);
    if (std::holds_alternative<GssEncRequest>(request)) {
      if (!co_await answer_gssenc(was_gssenc_asked)) co_return false;
      continue;
    }
    if (std::holds_alternative<SslRequest>(request)) {
      co_await round_trip();
      co_await client_.write("S");
      co_return true;
    }
    if (const auto* cancel = std::get_if<CancelRequest>(&request)) {
      co_await cancel_query(*cancel);
      co_return false;
    }
    const int error = std::holds_alternative<StartupMessage>(request) ? row::no_tls : row::silent_close;
    co_return co_await fail(error);
  }
}

Task<bool> Front::answer_gssenc(bool& was_asked) {
  if (was_asked) co_return co_await fail(row::silent_close);
  was_asked = true;
  co_await round_trip();
  co_await client_.write("N");
  co_return true;
}

Task<bool> Front::greet_over_tls() {
  const std::string packet = co_await client_.read_packet();
  std::size_t consumed = 0;
  const StartupPacket request = read_startup_packet(packet, consumed);
  if (const auto* cancel = std::get_if<CancelRequest>(&request)) {
    co_await cancel_query(*cancel);
    co_return false;
  }
  if (const auto* error = std::get_if<PgError>(&request)) {
    const bool lacks_user = error->message.find("user name") != std::string::npos;
    const int number = lacks_user ? row::no_user : row::silent_close;
    co_return co_await fail(number);
  }
  if (!std::holds_alternative<StartupMessage>(request)) co_return co_await fail(row::silent_close);
  startup_ = std::get<StartupMessage>(request);
  if (startup_.version != protocol_3_0) {
    MessageWriter answer(pending_, BackendType::negotiate_protocol_version);
    answer.int32(protocol_3_0).int32(static_cast<std::int32_t>(startup_.unknown_options.size()));
    for (const std::string& option : startup_.unknown_options) answer.cstring(option);
  }
  timeline_.user = startup_.user;
  values_["user"] = startup_.user;
  values_["database"] = startup_.database;
  co_return true;
}

// The client is closed at once; the cancelling itself goes on behind its back.
Task<void> Front::cancel_query(CancelRequest request) {
  ++world_.counters.cancels;
  CancelKey given;
  given.process_id = request.process_id;
  given.secret = request.secret;
  const auto own = world_.cancel_keys.find(given);
  const double luck = std::uniform_real_distribution<double>(0, 1)(world_.dice);
  if (own && luck >= world_.knobs.cancel_lost_probability)
    asio::co_spawn(world_.executor, cancel(world_.options.database.socket_path, *own), on_its_own);
  co_return;
}

}  // namespace ballast::neon
