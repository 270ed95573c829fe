#include "proxy/app/worker.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proxy/app/pool_report.hpp"
#include "proxy/base/log.hpp"
#include "proxy/io/buffers.hpp"
#include "proxy/io/client_tls.hpp"
#include "proxy/io/socket_stream.hpp"

namespace ballast {

namespace {

// How often the janitor looks at every timeout: their resolution.
constexpr std::chrono::milliseconds tick_interval{100};

std::shared_ptr<const Settings> settings_of(const std::shared_ptr<const Configuration>& configuration) {
  return {configuration, &configuration->settings};
}

std::unique_ptr<UserTable> users_of(const Configuration& configuration, Random& random) {
  return std::make_unique<UserTable>(configuration.settings.upstream, configuration.secrets, random);
}

}  // namespace

Worker::Worker(int index, Household& household, Resolver& resolver,
               std::shared_ptr<const Configuration> configuration)
    : index_(index),
      household_(household),
      configuration_(std::move(configuration)),
      connector_(reactor_, resolver),
      world_{reactor_, random_, connector_},
      pools_(world_, household.broker, settings_of(configuration_), users_of(*configuration_, random_)),
      sessions_(world_, pools_, index, household.clients, household.mock_key,
                [this](const CancelRequest& request, std::function<void()> done) {
                  cancel_elsewhere(request, std::move(done));
                }),
      consoles_(reactor_, sessions_.cancel_keys(), pools_.counters(),
                [this](ConsoleRequest request, std::function<void(ConsoleAnswer)> done) {
                  ask_console(std::move(request), std::move(done));
                }) {
  if (!household.cancel_at_predecessor) return;
  sessions_.pass_unknown_cancels([this](const CancelRequest& request, std::function<void()> done) {
    household_.cancel_at_predecessor(request, [this, done = std::move(done)] { reactor_.post(done); });
  });
}

Worker::~Worker() {
  is_stopping_ = true;
  reactor_.post([] {});
  if (thread_.joinable()) thread_.join();
}

void Worker::start() {
  next_tick_ = (Clock::now() + tick_interval).time_since_epoch().count();
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  const Settings& settings = configuration_->settings;
  if (index_ == 0 && settings.min_pool_size > 0) {
    pools_.pool({settings.upstream.dbname, settings.upstream.user});  // filled by the first tick
  }
  if (household_.ask_console) {
    sessions_.set_console(
        [this](ConsoleClient client) { consoles_.open(std::move(client), pools_.settings()); });
  }
  TimePoint next_tick = reactor_.now() + tick_interval;
  while (!is_stopping_) {
    reactor_.run_once(next_tick - reactor_.now());
    const TimePoint now = reactor_.now();
    if (now < next_tick) continue;
    loop_lag_.record(now - next_tick);
    next_tick = now + tick_interval;
    next_tick_.store(next_tick.time_since_epoch().count(), std::memory_order_relaxed);
    pools_.tick(now);
    sessions_.tick(now);
    consoles_.tick(now, pools_.settings());
    client_count_.store(static_cast<int>(sessions_.size()), std::memory_order_relaxed);
    spare_buffer_bytes_.store(buffers::spare_bytes(), std::memory_order_relaxed);
    if (!sessions_.is_draining()) pools_.keep_awake(now, std::chrono::system_clock::now());
  }
  consoles_.say_goodbye();
}

Duration Worker::overdue() const {
  const Duration due(next_tick_.load(std::memory_order_relaxed));
  return Clock::now().time_since_epoch() - due;
}

void Worker::accept(FileDescriptor socket) {
  client_count_.fetch_add(1, std::memory_order_relaxed);  // so that a burst spreads before the next tick
  reactor_.post([this, shared = std::make_shared<FileDescriptor>(std::move(socket))] {
    set_client_options(shared->get());
    sessions_.accept(
        std::make_unique<SocketStream>(reactor_, std::move(*shared), configuration_->client_tls));
  });
}

void Worker::configure(std::shared_ptr<const Configuration> configuration) {
  // Made here and not there: it takes a while. Shared only because a task must be copyable.
  auto users = std::make_shared<std::unique_ptr<UserTable>>(users_of(*configuration, random_));
  reactor_.post([this, configuration = std::move(configuration), users] {
    configuration_ = configuration;
    pools_.configure(settings_of(configuration_), std::move(*users));
    connector_.reload_tls();
  });
}

void Worker::drain() {
  reactor_.post([this] { sessions_.drain(); });
}

void Worker::cancel(const CancelRequest& request, std::function<void()> done) {
  reactor_.post([this, request, done = std::move(done)] { sessions_.cancel_here(request, done); });
}

void Worker::report(std::function<void(std::vector<PoolFigures>)> done) {
  reactor_.post([this, done = std::move(done)] { done(pool_figures(pools_, sessions_)); });
}

void Worker::with(Work work) {
  reactor_.post([this, work = std::move(work)] { work(pools_, sessions_); });
}

void Worker::with_consoles(ConsoleWork work) {
  reactor_.post([this, work = std::move(work)] { work(pools_, sessions_, consoles_); });
}

void Worker::ask_console(ConsoleRequest request, std::function<void(ConsoleAnswer)> done) {
  household_.ask_console(std::move(request), [this, done = std::move(done)](ConsoleAnswer answer) {
    reactor_.post([done, answer = std::move(answer)] { done(answer); });
  });
}

void Worker::cancel_elsewhere(const CancelRequest& request, std::function<void()> done) {
  const auto other = static_cast<std::size_t>(CancelKeys::worker_of(request.process_id));
  if (other >= household_.workers.size()) return done();
  household_.workers[other]->cancel(request, [this, done] { reactor_.post(done); });
}

}  // namespace ballast
