#include "proxy/app/service.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/app/census.hpp"
#include "proxy/app/http.hpp"
#include "proxy/app/keepalive_record.hpp"
#include "proxy/app/listener.hpp"
#include "proxy/app/login_file.hpp"
#include "proxy/app/operations.hpp"
#include "proxy/app/reload.hpp"
#include "proxy/app/upstream_hosts.hpp"
#include "proxy/app/worker.hpp"
#include "proxy/base/log.hpp"
#include "proxy/io/client_tls.hpp"
#include "proxy/io/resolver.hpp"

namespace ballast {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds drain_poll{50};
// How much of what is kept over restarts a crash may make us forget.
constexpr std::chrono::milliseconds save_interval{1000};

std::shared_ptr<const Configuration> make_configuration(const Settings& settings) {
  auto configuration = std::make_shared<Configuration>();
  configuration->settings = settings;
  if (!settings.auth_file.empty()) configuration->secrets = read_user_file(settings.auth_file);
  configuration->client_tls = ClientTlsContext::load(settings);
  return configuration;
}

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

class Service {
 public:
  Service(Options options, int argc, const char* const* argv, const Environment& environment)
      : options_(std::move(options)),
        argc_(argc),
        argv_(argv),
        environment_(environment),
        signals_(control_),
        record_(household_.broker.keepalive(), options_.settings.state_dir) {}

  void start() {
    const Settings& settings = options_.settings;
    log::configure(settings.log_level, settings.log_format, settings.log_file);
    const auto configuration = make_configuration(settings);
    configure_keepalive(settings);
    warn_of_poolers(settings.upstream);
    record_.resume();
    std::array<char, 32> key{};
    SystemRandom().fill(key);
    household_.mock_key.assign(key.data(), key.size());
    logins_ = std::make_unique<LoginFile>(household_.broker.logins(), settings.state_dir);
    save_state();
    for (int i = 0; i < settings.workers; ++i) {
      household_.workers.push_back(std::make_unique<Worker>(i, household_, resolver_, configuration));
    }
    listener_ = std::make_unique<Listener>(
        control_, settings, [this](FileDescriptor socket) { least_busy().accept(std::move(socket)); });
    if (settings.http_port != 0) {
      operations_.set_token(settings.http_token);
      http_ =
          std::make_unique<HttpServer>(control_, settings.http_addr, settings.http_port,
                                       [this](const HttpRequest& request, const HttpServer::Reply& reply) {
                                         operations_.handle(request, reply);
                                       });
    }
    signals_.add(SIGHUP);
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    wait_for_signal();
    for (const auto& worker : household_.workers) worker->start();
    for (const std::string& address : listener_->addresses())
      log::info("listener", "listening on " + address);
    if (http_) log::info("http", "listening on " + http_->address());
  }

  int run() {
    control_.run();
    household_.workers.clear();
    logins_->save();
    record_.save();
    log::info("main", "ended");
    return 0;
  }

 private:
  void configure_keepalive(const Settings& settings) {
    household_.broker.keepalive().configure(KeepaliveTerms::of(settings));
    if (settings.keepalive != KeepaliveMode::off && !settings.may_sleep()) {
      log::warning("keepalive",
                   "does nothing: this database is not taken for one that sleeps (scale_to_zero)");
    }
  }

  Worker& least_busy() {
    const auto least =
        std::min_element(household_.workers.begin(), household_.workers.end(),
                         [](const auto& a, const auto& b) { return a->client_count() < b->client_count(); });
    return **least;
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        reload();
      } else if (!is_draining_) {
        drain();
      } else {
        log::info("main", "second signal: leaving at once");
        return control_.stop();
      }
      wait_for_signal();
    });
  }

  void save_state() {
    logins_->save();
    record_.save();
    save_timer_.expires_after(save_interval);
    save_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) save_state();
    });
  }

  void reload() {
    Reload reload = reload_options(options_, argc_, argv_, environment_);
    if (!reload.options) return log::error("reload", reload.error + "; the old settings stay");
    std::shared_ptr<const Configuration> configuration;
    try {
      const Settings& settings = reload.options->settings;
      configuration = make_configuration(settings);
      configure_keepalive(settings);
      log::configure(settings.log_level, settings.log_format, settings.log_file);
    } catch (const std::exception& error) {
      return log::error("reload", std::string(error.what()) + "; the old settings stay");
    }
    options_ = std::move(*reload.options);
    operations_.set_token(options_.settings.http_token);
    warn_of_poolers(options_.settings.upstream);
    for (const auto& worker : household_.workers) worker->configure(configuration);
    for (const std::string& name : reload.restart_needed) {
      log::warning("reload", name + " has changed; that takes effect at the next start");
    }
    log::info("reload", "settings, users and certificates were read again");
  }

  void drain() {
    is_draining_ = true;
    operations_.drain();
    log::info("main", "draining: no new clients, running transactions may finish");
    listener_->close();
    for (const auto& worker : household_.workers) worker->drain();
    give_up_at_ = std::chrono::steady_clock::now() + options_.settings.shutdown_timeout;
    wait_until_drained();
  }

  void wait_until_drained() {
    const bool is_drained = std::all_of(household_.workers.begin(), household_.workers.end(),
                                        [](const auto& worker) { return worker->is_drained(); });
    if (is_drained) return control_.stop();
    if (std::chrono::steady_clock::now() >= give_up_at_) {
      log::warning("main", "shutdown_timeout: clients are left in the middle of their transactions");
      return control_.stop();
    }
    drain_timer_.expires_after(drain_poll);
    drain_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) wait_until_drained();
    });
  }

  Options options_;
  int argc_;
  const char* const* argv_;
  const Environment& environment_;
  asio::io_context control_{1};
  asio::signal_set signals_;
  asio::steady_timer drain_timer_{control_};
  asio::steady_timer save_timer_{control_};
  std::chrono::steady_clock::time_point give_up_at_;
  Resolver resolver_;
  Household household_;
  std::unique_ptr<LoginFile> logins_;
  KeepaliveRecord record_;
  std::unique_ptr<Listener> listener_;
  Operations operations_{[this](std::function<void(Census)> done) {
    take_census(control_, household_, options_.settings.max_client_conn, std::move(done));
  }};
  std::unique_ptr<HttpServer> http_;
  bool is_draining_ = false;
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
