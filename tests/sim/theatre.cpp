#include "tests/sim/theatre.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/startup.hpp"

namespace ballast::sim {

namespace {

constexpr std::chrono::milliseconds tick_interval{100};
// A run in which somebody is still at work then has lost its way.
constexpr std::chrono::minutes run_max{20};
// After the last client: time for resets, cancels and idle timeouts.
constexpr std::chrono::seconds aftermath{40};

}  // namespace

// CancelRequester: a connection that carries one CancelRequest and waits for its end.
class Theatre::CancelRequester final : public StreamListener {
 public:
  CancelRequester(std::unique_ptr<SimStream> stream, std::int32_t process_id, std::string_view secret)
      : stream_(std::move(stream)) {
    write_cancel_request(request_, process_id, secret);
    stream_->listen(this, Interest::read_write);
  }
  bool is_done() const { return stream_ == nullptr; }

  void on_readable() override {
    std::array<char, 16> room;
    const IoStatus status = stream_->read(room).status;
    if (status == IoStatus::closed || status == IoStatus::failed) stream_.reset();
  }
  void on_writable() override {
    const IoResult result = stream_->write(request_);
    if (result.status == IoStatus::ok) request_.erase(0, result.bytes);
    if (request_.empty() || result.status == IoStatus::failed) stream_->listen(this, Interest::read);
  }

 private:
  std::unique_ptr<SimStream> stream_;
  std::string request_;
};

Theatre::Theatre(const Plan& plan, Dice dice, Verbosity verbosity)
    : plan_(plan),
      loop_(dice.child()),
      dice_(dice.child()),
      journal_(loop_, verbosity),
      random_(dice.child()),
      database_(loop_, dice.child(), journal_, plan.database, plan.server_link),
      connector_(loop_, dice.child(), journal_, database_, plan.connect),
      world_{loop_, random_, connector_},
      pools_(world_, broker_, plan.settings,
             std::make_unique<UserTable>(plan.settings->upstream, plan.secrets, random_)),
      sessions_(world_, pools_, 0, client_count_, "mock",
                [](const CancelRequest&, const std::function<void()>& done) { done(); }) {
  int number = 0;
  for (const ClientManners& manners : plan.clients) {
    clients_.push_back(std::make_unique<SimClient>(*this, ++number, manners, dice.child()));
  }
  plan_tick();
}

Theatre::~Theatre() = default;

void Theatre::plan_tick() {
  loop_.after(tick_interval, [this] {
    pools_.tick(loop_.now());
    sessions_.tick(loop_.now());
    plan_tick();
  });
}

std::unique_ptr<SimStream> Theatre::connect(const std::string& peer) {
  auto [near, far] = SimStream::connect(loop_, dice_, plan_.client_link, peer);
  // Accepted when it has come through.
  loop_.after(dice_.between(plan_.client_link.delay_min, plan_.client_link.delay_max),
              [this, stream = std::make_shared<std::unique_ptr<SimStream>>(std::move(far))] {
                sessions_.accept(std::move(*stream));
              });
  return std::move(near);
}

void Theatre::cancel(std::int32_t process_id, std::string_view secret) {
  std::erase_if(cancels_, [](const auto& request) { return request->is_done(); });
  cancels_.push_back(std::make_unique<CancelRequester>(connect("canceler"), process_id, secret));
}

bool Theatre::are_all_done() const {
  return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->is_done(); });
}

std::string Theatre::run() {
  const TimePoint end = loop_.now() + run_max;
  while (!are_all_done() && !journal_.has_failed()) {
    loop_.turn(end);
    check();
    if (loop_.now() >= end) journal_.fail("run", "does not end:" + who_is_left());
  }
  if (!journal_.has_failed()) watch_the_end();
  return journal_.failure();
}

void Theatre::check() {
  check_permits();
  database_.check();
  for (const auto& client : clients_) client->check();
}

// Every permit is that of a server, or of one in the making.
void Theatre::check_permits() {
  int permits = 0;
  int servers = 0;
  for (const auto& [key, pool] : pools_.pools()) {
    permits += broker_.servers(key);
    servers += static_cast<int>(pool->server_count());
  }
  const int in_the_making = permits - servers;
  if (in_the_making < 0 || in_the_making > plan_.settings->max_server_connecting) {
    journal_.fail("broker", std::to_string(permits) + " permits for " + std::to_string(servers) + " servers");
  }
}

// Nobody is there any more: nothing may be left, but servers up to min_pool_size.
void Theatre::watch_the_end() {
  journal_.note("run", "all clients are done");
  database_.calm_down();
  connector_.calm_down();
  const TimePoint end = loop_.now() + aftermath;
  while (loop_.now() < end && !journal_.has_failed()) {
    loop_.turn(end);
    check();
  }
  if (!sessions_.is_empty())
    journal_.fail("end", std::to_string(sessions_.size()) + " sessions are left, or cancels");
  if (client_count_ != 0) journal_.fail("end", "clients are still counted");
  for (const auto& [key, pool] : pools_.pools()) {
    const std::string name = key.user + "@" + key.database;
    if (pool->clients != 0 || pool->waiting_count() != 0) journal_.fail(name, "has clients or waiters left");
    if (pool->idle_count() != pool->server_count()) journal_.fail(name, "has servers that are not idle");
    const bool is_aged =
        plan_.settings->server_lifetime > aftermath && plan_.settings->server_idle_timeout < aftermath;
    const auto most = static_cast<std::size_t>(plan_.settings->min_pool_size);
    if (is_aged && pool->server_count() > most) journal_.fail(name, "has idle servers left");
  }
  if (std::any_of(cancels_.begin(), cancels_.end(),
                  [](const auto& request) { return !request->is_done(); })) {
    journal_.fail("end", "a cancel connection has not been closed");
  }
}

std::string Theatre::who_is_left() {
  std::string text;
  for (const auto& client : clients_) {
    if (!client->is_done()) text += " [" + client->predicament() + "]";
  }
  return text;
}

}  // namespace ballast::sim
