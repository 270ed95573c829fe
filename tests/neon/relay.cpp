#include "tests/neon/relay.hpp"

#include <utility>

#include "protocol/message.hpp"
#include "protocol/writer.hpp"

namespace ballast::neon {
namespace {

// How many ReadyForQuery these messages ask for.
int count_requests(std::string_view bytes) {
  int requests = 0;
  while (bytes.size() >= header_size) {
    const Header header = read_header(bytes.data());
    if (!valid(header) || bytes.size() < header.total()) break;
    const auto type = static_cast<FrontendType>(header.type);
    requests +=
        type == FrontendType::query || type == FrontendType::sync || type == FrontendType::function_call;
    bytes.remove_prefix(header.total());
  }
  return requests;
}

Milliseconds sample_delay(const Knobs& knobs, Dice& dice) {
  double delay = knobs.rtt_ms / 2;
  std::uniform_real_distribution<double> part(0, 1);
  if (knobs.jitter_ms > 0) delay += knobs.jitter_ms * part(dice);
  if (knobs.loss_stall_p > 0 && part(dice) < knobs.loss_stall_p) delay += knobs.loss_stall_ms;
  return Milliseconds(delay);
}

}  // namespace

Relay::Relay(ClientStream& client, Backend& backend, World& world, First first)
    : client_(client),
      backend_(backend),
      world_(world),
      up_(
          world.executor, client.tls(), backend.socket(), world.knobs,
          [this](std::string_view bytes) { return take_from_client(bytes); }, [this] { return delay(); }),
      down_(
          world.executor, backend.socket(), client.tls(), world.knobs,
          [this](std::string_view bytes) { return take_from_server(bytes); }, [this] { return delay(); }),
      ended_(world.executor),
      is_in_login_flight_(first == First::came_with_login),
      last_bytes_(world.time.now()) {}

Task<void> Relay::run() {
  const auto over = [this](std::exception_ptr) {
    --running_;
    stop();
    ended_.ring();
  };
  asio::co_spawn(world_.executor, up_.carry(), over);
  asio::co_spawn(world_.executor, down_.carry(), over);
  while (running_ > 0) co_await ended_.wait();
}

void Relay::end(Ending ending) {
  if (is_over_) return;
  ending_ = ending;
  if (ending == Ending::blackhole) client_.deafen();
  if (ending == Ending::reset) client_.reset();
  stop();
}

void Relay::stop() {
  is_over_ = true;
  up_.stop();
  down_.stop();
  client_.cancel();
  ErrorCode ignored;
  backend_.socket().cancel(ignored);
}

Milliseconds Relay::delay() {
  return is_in_login_flight_ ? Milliseconds(0) : sample_delay(world_.knobs, world_.dice);
}

// Ends the session, or, where the error is a statement's own, waits for one.
void Relay::disturb(const ErrorRow& row) {
  if (row.severity == "ERROR") {
    next_answer_ = &row;
    return;
  }
  count_error(world_, row);
  if (row.text.empty()) return end(Ending::eof);
  is_doomed_ = true;
  std::string out;
  write_session_error(out, row, row.text);
  down_.say(out);
  ErrorCode ignored;
  backend_.socket().shutdown(Backend::Socket::shutdown_both,
                             ignored);  // its lane ends when that is delivered
}

// A statement outside of a transaction, and whole in one read, gets the error that is due; the server never
// sees it.
bool Relay::take_from_client(std::string_view bytes) {
  ++world_.counters.client_flights;
  is_in_login_flight_ = is_in_login_flight_ && ++flights_ == 1;
  if (is_doomed_ || is_forgotten()) return true;
  if (next_answer_ == nullptr) return false;
  const int requests = count_requests(bytes);
  if (requests == 0) return false;
  const ErrorRow& row = *std::exchange(next_answer_, nullptr);
  count_error(world_, row);
  std::string out;
  write_session_error(out, row, row.text);
  for (int request = 0; request < requests; ++request)
    MessageWriter(out, BackendType::ready_for_query).byte(static_cast<char>(TransactionStatus::idle));
  down_.say(out);
  return true;
}

bool Relay::take_from_server(std::string_view) {
  const double limit = world_.knobs.nlb_idle_s;
  if (limit > 0 && world_.time.now() - last_bytes_ > Seconds(limit)) return true;  // nobody to bring it to
  last_bytes_ = world_.time.now();
  return false;
}

// A load balancer that has forgotten the connection answers the client's next bytes with RST.
bool Relay::is_forgotten() {
  const double limit = world_.knobs.nlb_idle_s;
  const Seconds now = world_.time.now();
  const bool is_late = limit > 0 && now - last_bytes_ > Seconds(limit);
  if (is_late) end(Ending::reset);
  last_bytes_ = now;
  return is_late;
}

}  // namespace ballast::neon
