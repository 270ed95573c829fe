#include "tests/neon/session.hpp"

#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>

namespace ballast::neon {
namespace {

constexpr std::size_t most_timelines = 10'000;

Task<void> register_key(World& world, CancelKey given, CancelKey own) {
  co_await pause(Milliseconds(world.knobs.cancel_register_delay_ms));
  world.cancel_keys.add(given, std::move(own));
}

}  // namespace

void Session::begin(ClientStream::Tcp socket, World& world) {
  auto session = std::make_unique<Session>(std::move(socket), world);
  asio::co_spawn(world.executor, live(std::move(session)), on_its_own);
}

Session::Session(ClientStream::Tcp socket, World& world)
    : world_(world), client_(std::move(socket), world.tls), front_(client_, world, timeline_) {
  timeline_.id = ++world_.counters.accepted;
  timeline_.accepted = world_.time.now();
  world_.connections.add(this);
}

Session::~Session() { world_.connections.remove(this); }

Task<void> Session::live(std::unique_ptr<Session> session) {
  try {
    co_await session->serve();
  } catch (const boost::system::system_error&) {  // the client is gone
  }
  co_await session->end();
}

Task<void> Session::serve() {
  const bool is_in = co_await front_.login();
  auto& timelines = world_.counters.timelines;
  timelines.push_back(timeline_);
  if (timelines.size() > most_timelines) timelines.pop_front();
  if (is_in) co_await relay();
}

Task<void> Session::relay() {
  const CancelKey given = front_.given_key();
  asio::co_spawn(world_.executor, register_key(world_, given, front_.backend().cancel_key()), on_its_own);
  relay_ = std::make_unique<Relay>(
      client_, front_.backend(), world_,
      front_.is_followed() ? Relay::First::came_with_login : Relay::First::comes_later);
  std::optional<Deadline> fault_time;
  if (const auto fault = world_.faults.take_for_session())
    fault_time.emplace(world_.executor, fault->after, [this, row = fault->row] { relay_->disturb(*row); });
  {
    const double most = world_.knobs.proxy_max_age_s;
    const Milliseconds age = most > 0 ? Milliseconds(Seconds(most)) : Milliseconds(1e12);
    const Deadline deadline(world_.executor, age, [this] { sever(Ending::eof); });
    co_await relay_->run();
  }
  world_.cancel_keys.remove(given);
  ending_ = relay_->ending();
  if (world_.compute.endpoint().state() == State::stopping && ending_ == Ending::eof)
    count_error(world_, *find_row(is_severed_ ? row::eof : row::admin_shutdown));
  ErrorCode ignored;
  front_.backend().socket().close(ignored);
}

// In the middle of a login, what is read or written next finds the socket gone.
void Session::sever(Ending ending) {
  ending_ = ending;
  is_severed_ = true;
  if (relay_) return relay_->end(ending);
  if (ending == Ending::reset)
    client_.reset();
  else
    client_.hang_up();
}

void Session::disturb(const ErrorRow& row) {
  if (relay_) relay_->disturb(row);
}

// A black hole is kept until nobody can still be looking into it: closing it would send a FIN.
Task<void> Session::end() {
  switch (ending_) {
    case Ending::eof:
      co_await client_.close();
      break;
    case Ending::reset:
      client_.reset();
      break;
    case Ending::blackhole:
      co_await pause(Seconds(world_.knobs.blackhole_hold_s));
      break;
  }
}

}  // namespace ballast::neon
