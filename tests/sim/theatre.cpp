#include "tests/sim/theatre.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "protocol/startup.hpp"

#include "proxy/io/buffers.hpp"

#include "tests/sim/heap.hpp"

namespace ballast::sim {

namespace {

constexpr std::chrono::milliseconds tick_interval{100};
// A run in which somebody is still at work then has lost its way.
constexpr std::chrono::minutes run_max{20};
// After the last client: time for resets, cancels and idle timeouts.
constexpr std::chrono::seconds aftermath{40};
constexpr std::size_t held_base_max = 450'000;
constexpr std::size_t held_by_pool_max = 12'000;  // its histograms
constexpr std::size_t held_by_connection_max = 150'000;

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

Theatre::Worker::Worker(Theatre& theatre, int index)
    : pools(theatre.world_, theatre.broker_, theatre.plan_.settings,
            std::make_unique<UserTable>(theatre.plan_.settings->upstream, theatre.plan_.secrets,
                                        theatre.random_)),
      sessions(theatre.world_, pools, index, theatre.client_count_, "mock",
               [&theatre](const CancelRequest& request, std::function<void()> done) {
                 theatre.cancel_elsewhere(request, std::move(done));
               }) {}

Theatre::Theatre(const Plan& plan, Dice dice, Verbosity verbosity)
    : plan_(plan),
      loop_(dice.child()),
      dice_(dice.child()),
      journal_(loop_, verbosity),
      random_(dice.child()),
      database_(loop_, dice.child(), journal_, plan.database, plan.server_link),
      connector_(loop_, dice.child(), journal_, database_, plan.connect),
      world_{loop_, random_, connector_} {
  for (int index = 0; index < plan.workers; ++index)
    workers_.push_back(std::make_unique<Worker>(*this, index));
  int number = 0;
  for (const ClientManners& manners : plan.clients) {
    clients_.push_back(std::make_unique<SimClient>(*this, ++number, manners, dice.child()));
  }
  plan_tick();
  plan_orders();
}

Theatre::~Theatre() = default;

// What an operator does.
void Theatre::plan_orders() {
  if (plan_.drains.count() > 0) loop_.after(plan_.drains, [this] { drain(); });
  if (plan_.pauses.count() > 0) {
    loop_.after(plan_.pauses, [this] {
      Gates gates;
      gates.are_all_paused = true;
      obey(gates);
    });
    loop_.after(plan_.pauses + plan_.pause_lasts, [this] { obey({}); });
  }
  if (plan_.reconnects.count() > 0) {
    loop_.after(plan_.reconnects, [this] {
      journal_.note("run", "reconnects");
      const heap::Scope scope(heap::Owner::pooler);
      for (const auto& worker : workers_) worker->pools.reconnect({});
    });
  }
}

void Theatre::obey(const Gates& gates) {
  journal_.note("run", gates.are_all_paused ? "pauses" : "resumes");
  const heap::Scope scope(heap::Owner::pooler);
  for (const auto& worker : workers_) worker->pools.obey(gates);
  is_paused_ = gates.are_all_paused;
}

void Theatre::plan_tick() {
  loop_.after(tick_interval, [this] {
    tick();
    plan_tick();
  });
}

void Theatre::tick() {
  const heap::Scope scope(heap::Owner::pooler);
  for (const auto& worker : workers_) {
    worker->pools.tick(loop_.now());
    worker->sessions.tick(loop_.now());
  }
}

void Theatre::drain() {
  journal_.note("run", "drains");
  is_draining_ = true;
  const heap::Scope scope(heap::Owner::pooler);
  for (const auto& worker : workers_) worker->sessions.drain();
}

void Theatre::cancel_elsewhere(const CancelRequest& request, std::function<void()> done) {
  const auto other = static_cast<std::size_t>(CancelKeys::worker_of(request.process_id));
  if (other >= workers_.size()) return done();
  const heap::Scope scope(heap::Owner::pooler);
  loop_.post([this, other, request, done = std::move(done)] {
    workers_[other]->sessions.cancel_here(request, [this, done] { loop_.post(done); });
  });
}

std::unique_ptr<SimStream> Theatre::connect(const std::string& peer) {
  auto [near, far] = SimStream::connect(loop_, dice_, plan_.client_link, peer);
  far->belongs_to(heap::Owner::pooler);
  Worker& worker = *dice_.pick(workers_);
  // Accepted when it has come through.
  loop_.after(dice_.between(plan_.client_link.delay_min, plan_.client_link.delay_max),
              [&worker, stream = std::make_shared<std::unique_ptr<SimStream>>(std::move(far))] {
                const heap::Scope scope(heap::Owner::pooler);
                worker.sessions.accept(std::move(*stream));
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
  check_pause();
  check_memory();
  database_.check();
  for (const auto& client : clients_) client->check();
}

// Every permit is that of a server, or of one in the making, or on its way to another worker.
void Theatre::check_permits() {
  int servers = 0;
  std::set<PoolKey> keys;
  for (const auto& worker : workers_) {
    for (const auto& [key, pool] : worker->pools.pools()) {
      servers += static_cast<int>(pool->server_count());
      keys.insert(key);
    }
  }
  int permits = 0;
  for (const PoolKey& key : keys) permits += broker_.servers(key);
  const int in_the_making = permits - servers;
  const bool is_too_much = workers_.size() == 1 && in_the_making > plan_.settings->max_server_connecting;
  if (in_the_making < 0 || is_too_much) {
    journal_.fail("broker", std::to_string(permits) + " permits for " + std::to_string(servers) + " servers");
  }
  check_upstream(permits);
}

void Theatre::check_pause() {
  if (!is_paused_) return;
  for (const auto& worker : workers_) {
    for (const auto& [key, pool] : worker->pools.pools()) {
      if (pool->idle_count() > 0) journal_.fail("pool", "is paused, and has an idle server");
    }
  }
}

// It knows of each connect and each server, and of a probe only while there is one.
void Theatre::check_upstream(int permits) {
  const Upstream::Census census = broker_.upstream().census();
  const bool is_waking = broker_.upstream().state() == Upstream::State::waking;
  const bool has_lost_its_probe = census.is_probing ? census.connecting == 0 : is_waking;
  if (census.connecting + census.connected != permits || has_lost_its_probe) {
    journal_.fail("upstream", "counts " + std::to_string(census.connecting) + " connects and " +
                                  std::to_string(census.connected) + " servers, for " +
                                  std::to_string(permits) + " permits");
  }
}

// However much goes through, a connection holds no more than a few buffers of it.
void Theatre::check_memory() {
  std::size_t connections = 0;
  std::size_t pools = 0;
  std::size_t kept = buffers::spare_bytes();  // for the next, within bounds of its own
  for (const auto& worker : workers_) {
    connections += worker->sessions.size();
    pools += worker->pools.pools().size();
    kept += worker->sessions.effects().bytes();
    for (const auto& [key, pool] : worker->pools.pools()) connections += pool->server_count();
  }
  const std::size_t held = heap::held_by_pooler() - kept;
  if (held > held_base_max + pools * held_by_pool_max + connections * held_by_connection_max) {
    journal_.fail("memory",
                  std::to_string(held) + " bytes held for " + std::to_string(connections) + " connections");
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
  if (client_count_ != 0) journal_.fail("end", "clients are still counted");
  for (const auto& worker : workers_) check_left_overs(*worker);
  if (std::any_of(cancels_.begin(), cancels_.end(),
                  [](const auto& request) { return !request->is_done(); })) {
    journal_.fail("end", "a cancel connection has not been closed");
  }
}

void Theatre::check_left_overs(const Worker& worker) {
  if (!worker.sessions.is_empty()) journal_.fail("end", "sessions or cancels are left");
  const Settings& settings = *plan_.settings;
  for (const auto& [key, pool] : worker.pools.pools()) {
    const std::string name = key.user + "@" + key.database;
    if (pool->clients != 0 || pool->waiting_count() != 0) journal_.fail(name, "has clients or waiters left");
    if (pool->idle_count() != pool->server_count()) journal_.fail(name, "has servers that are not idle");
    const bool is_aged = settings.server_lifetime > aftermath && settings.server_idle_timeout < aftermath;
    const auto most = static_cast<std::size_t>(settings.min_pool_size);
    if (is_aged && pool->server_count() > most) journal_.fail(name, "has idle servers left");
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
