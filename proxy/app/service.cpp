#include "proxy/app/service.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/app/administration.hpp"
#include "proxy/app/administration_routes.hpp"
#include "proxy/app/census.hpp"
#include "proxy/app/chronicle.hpp"
#include "proxy/app/console.hpp"
#include "proxy/app/database_probe.hpp"
#include "proxy/app/http.hpp"
#include "proxy/app/keepalive_record.hpp"
#include "proxy/app/listener.hpp"
#include "proxy/app/live_settings.hpp"
#include "proxy/app/login_file.hpp"
#include "proxy/app/operations.hpp"
#include "proxy/app/predecessor.hpp"
#include "proxy/app/service_notice.hpp"
#include "proxy/app/successor.hpp"
#include "proxy/app/upstream_hosts.hpp"
#include "proxy/app/watchdog.hpp"
#include "proxy/app/worker.hpp"
#include "proxy/base/log.hpp"
#include "proxy/io/client_tls.hpp"
#include "proxy/io/resolver.hpp"

namespace ballast {

namespace asio = boost::asio;

namespace {

// How much of what is kept over restarts a crash may make us forget.
constexpr std::chrono::milliseconds save_interval{1000};

// Its pooler sleeps and dies with the compute, and knows nothing of sessions.
void warn_of_poolers(const UpstreamTarget& target) {
  for (const UpstreamHost& host : target.hosts) {
    const std::string direct = direct_neon_host(host.host);
    if (direct.empty()) continue;
    log::warning("upstream", "the host " + host.host +
                                 " is Neon's own pooler, behind which waits only grow and "
                                 "session state is lost: use " +
                                 direct + " instead");
  }
}

class Service final : private Process {
 public:
  Service(Options options, int argc, const char* const* argv, const Environment& environment)
      : settings_(std::move(options), argc, argv, environment),
        environment_(environment),
        signals_(control_),
        record_(household_.broker.keepalive(), settings_.settings().state_dir),
        notice_(control_, environment) {}

  void start() {
    // First, as whoever reaches the port may send one; they are obeyed in run().
    for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2}) signals_.add(signal);
    wait_for_signal();
    const Settings& settings = settings_.settings();
    log::configure(settings.log_level, settings.log_format, settings.log_file);
    const auto configuration = LiveSettings::configuration(settings);
    configure_keepalive(settings);
    warn_of_poolers(settings.upstream);
    note_certificate(*configuration);
    InheritedSockets inherited = InheritedSockets::of_service(environment_);
    if (settings_.options().replaces) predecessor_ = Predecessor::ask(control_, settings);
    if (predecessor_) {
      inherited = std::move(predecessor_->sockets());
      household_.cancel_at_predecessor = [this](const CancelRequest& request, std::function<void()> done) {
        asio::post(control_,
                   [this, request, done = std::move(done)] { predecessor_->cancel(request, done); });
      };
    }
    record_.resume();
    std::array<char, 32> key{};
    SystemRandom().fill(key);
    household_.mock_key.assign(key.data(), key.size());
    logins_ = std::make_unique<LoginFile>(household_.broker.logins(), settings.state_dir);
    save_state();
    household_.ask_console = [this](ConsoleRequest request, Console::Done done) {
      console_.ask(std::move(request), std::move(done));
    };
    for (int i = 0; i < settings.workers; ++i) {
      household_.workers.push_back(std::make_unique<Worker>(i, household_, resolver_, configuration));
    }
    for (HttpRoute& route : administration_routes(administration_)) operations_.add(std::move(route));
    if (settings.http_port != 0) {
      FileDescriptor socket = inherited.take_named("http");
      if (!socket) socket = inherited.take(settings.http_addr + ":" + std::to_string(settings.http_port));
      operations_.set_token(settings.http_bearer);
      http_ = std::make_unique<HttpServer>(
          control_, settings.http_addr, settings.http_port,
          [this](const HttpRequest& request, const HttpServer::Reply& reply) {
            operations_.handle(request, reply);
          },
          std::move(socket));
    }
    // Whoever finds the port open may want to take it over.
    if (!predecessor_) wait_for_successor();
    listener_ = std::make_unique<Listener>(
        control_, settings, [this](FileDescriptor socket) { least_busy().accept(std::move(socket)); },
        std::move(inherited));
    for (const auto& worker : household_.workers) worker->start();
    keep_chronicle();
    console_.start();
    say_where_it_listens();
    if (predecessor_) predecessor_->serve();
    if (!successor_) wait_for_successor();  // where the predecessor did until now
    if (!successor_->problem().empty())
      log::warning("handover", "this process can't be replaced (--replace): " + successor_->problem());
    notice_.ready();
    watchdog_.start();
  }

  int run() {
    control_.run();
    household_.workers.clear();
    save();
    log::info("main", "ended");
    return 0;
  }

 private:
  void say_where_it_listens() const {
    for (const std::string& address : listener_->addresses())
      log::info("listener", "listening on " + address);
    if (http_) log::info("http", "listening on " + http_->address());
  }

  // Process
  void hold_doors() override { listener_->hold(); }
  void open_doors() override { listener_->open(); }
  void leaving() override {
    if (!is_replaced_) notice_.stopping();
    listener_->close();
  }
  void leave() override { control_.stop(); }
  bool is_needed() const override { return predecessor_ && predecessor_->is_there(); }
  void reloading() override { notice_.reloading(); }
  void reloaded(const LiveSettings::Change& change) override {
    notice_.ready();
    if (!change.configuration) return;
    const Settings& settings = settings_.settings();
    configure_keepalive(settings);
    operations_.set_token(settings.http_bearer);
    warn_of_poolers(settings.upstream);
    note_certificate(*change.configuration);
    for (const std::string& name : change.restart_needed) {
      log::warning("reload", name + " has changed; that takes effect at the next start");
    }
  }

  void note_certificate(const Configuration& configuration) {
    const auto& tls = configuration.client_tls;
    own_certificate_expires_s_ = tls ? tls->certificate_expires_s() : 0;
  }

  void configure_keepalive(const Settings& settings) {
    household_.broker.keepalive().configure(KeepaliveTerms::of(settings));
    if (settings.keepalive != KeepaliveMode::off && !settings.may_sleep()) {
      log::warning("keepalive",
                   "does nothing: this database is not taken for one that sleeps (scale_to_zero)");
    }
  }

  void ask_census(std::function<void(Census)> done) {
    take_census(control_, household_, settings_.settings().max_client_conn,
                [expires_s = own_certificate_expires_s_, done = std::move(done)](Census census) {
                  census.own_certificate_expires_s = expires_s;
                  done(std::move(census));
                });
  }

  // Whether anybody looks or not: who looks then sees how it was before.
  void keep_chronicle() {
    ask_census([this](const Census& census) {
      chronicle_.note(std::chrono::steady_clock::now(), std::chrono::system_clock::now(), census);
    });
    chronicle_timer_.expires_after(Chronicle::interval);
    chronicle_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) keep_chronicle();
    });
  }

  Worker& least_busy() {
    const auto least =
        std::min_element(household_.workers.begin(), household_.workers.end(),
                         [](const auto& a, const auto& b) { return a->client_count() < b->client_count(); });
    return **least;
  }

  std::string status() const {
    const std::string clients = std::to_string(household_.clients.load()) + " clients";
    switch (administration_.state()) {
      case Administration::State::active:
        return "serving " + clients;
      case Administration::State::paused:
        return "paused, with " + clients;
      case Administration::State::suspended:
        return "suspended, with " + clients;
      case Administration::State::leaving:
        break;
    }
    return "draining, with " + clients;
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      obey(signal);
      wait_for_signal();
    });
  }

  void obey(int signal) {
    const auto done = [](const PgError& error) {
      if (!error.message.empty()) log::warning("signal", error.message);
    };
    switch (signal) {
      case SIGHUP:
        return administration_.reload([](const PgError&) {});
      case SIGUSR1:
        return administration_.pause({}, done);
      case SIGUSR2:
        return administration_.resume({}, done);
      default:
        break;
    }
    if (signal == SIGQUIT) return administration_.shutdown(Shutdown::now, done);
    administration_.terminate(done);
  }

  void wait_for_successor() {
    Successor::Hooks hooks;
    hooks.sockets = [this] {
      save();
      std::vector<int> sockets = listener_->sockets();
      if (http_) sockets.push_back(http_->socket());
      return sockets;
    };
    hooks.replaced = [this](int pid) { be_replaced(pid); };
    hooks.cancel = [this](const CancelRequest& request, std::function<void()> done) {
      const auto worker = static_cast<std::size_t>(CancelKeys::worker_of(request.process_id));
      if (worker >= household_.workers.size()) return done();
      household_.workers[worker]->cancel(request,
                                         [this, done = std::move(done)] { asio::post(control_, done); });
    };
    successor_.emplace(control_, settings_.settings(), std::move(hooks));
  }

  void be_replaced(int pid) {
    is_replaced_ = true;
    notice_.main_process(pid);
    listener_->give_away();
    if (http_) http_->close();
    administration_.shutdown(Shutdown::hand_over, [](const PgError& error) {
      if (!error.message.empty()) log::warning("handover", error.message);
    });
  }

  // What is kept over restarts is the successor's from its start on.
  void save() {
    if (is_replaced_) return;
    logins_->save();
    record_.save();
  }

  void save_state() {
    save();
    notice_.status(status());
    save_timer_.expires_after(save_interval);
    save_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) save_state();
    });
  }

  LiveSettings settings_;
  const Environment& environment_;
  asio::io_context control_{1};
  asio::signal_set signals_;
  asio::steady_timer save_timer_{control_};
  asio::steady_timer chronicle_timer_{control_};
  Resolver resolver_;
  Household household_;
  std::unique_ptr<LoginFile> logins_;
  KeepaliveRecord record_;
  std::unique_ptr<Listener> listener_;
  ServiceNotice notice_;
  Watchdog watchdog_{control_, household_, notice_};
  Administration administration_{control_, household_, settings_, *this};
  Chronicle chronicle_;
  DatabaseProbe database_probe_{control_, household_};
  Operations operations_{{[this](std::function<void(Census)> done) { ask_census(std::move(done)); },
                          [this](DatabaseProbe::Effort effort, DatabaseProbe::Done done) {
                            database_probe_.ask(effort, std::move(done));
                          },
                          [this]() -> const Chronicle& { return chronicle_; },
                          [this] { return administration_.state() == Administration::State::leaving; }}};
  Console console_{control_, household_, settings_, administration_, [this] { return listener_->figures(); }};
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Predecessor> predecessor_;
  std::optional<Successor> successor_;
  bool is_replaced_ = false;
  std::int64_t own_certificate_expires_s_ = 0;
};

}  // namespace

int serve(Options options, int argc, const char* const* argv, const Environment& environment) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write(2)
  Service service(std::move(options), argc, argv, environment);
  try {
    service.start();
  } catch (const std::exception& error) {
    std::cerr << "ballast: " << error.what() << '\n';
    return usage_exit_code;
  }
  return service.run();
}

}  // namespace ballast
