#include "proxy/app/check_command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iostream>
#include <utility>

#include "proxy/app/check_network.hpp"
#include "proxy/app/check_remedy.hpp"
#include "proxy/app/upstream_hosts.hpp"
#include "proxy/app/upstream_url.hpp"
#include "proxy/pool/slot_budget.hpp"

namespace ballast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds longest_timeout{600'000};  // where the settings have none

ConnectError network_error(const std::string& message) {
  ConnectError failure;
  failure.error.message = message;
  return failure;
}

bool is_of_tls(const ConnectError& failure) {
  const auto says = [&](std::string_view word) {
    return failure.error.message.find(word) != std::string::npos;
  };
  return failure.by == FailedBy::way && (says("SSL") || says("certificate"));
}

std::string whole(double time_ms) { return std::to_string(std::lround(time_ms)) + " ms"; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::chrono::milliseconds timeout_of(const Settings& settings) {
  std::chrono::milliseconds timeout = settings.server_connect_timeout;
  const std::chrono::milliseconds of_url = settings.upstream.connect_timeout;
  if (timeout.count() == 0 || (of_url.count() > 0 && of_url < timeout)) timeout = of_url;
  return timeout.count() == 0 ? longest_timeout : timeout;
}

// One run. Each step adds its findings and says whether the next has something to stand on.
class Check {
 public:
  Check(const Options& options, const Environment& environment)
      : settings_(options.settings),
        source_(
            source_of(options, settings_.upstream_url_file.empty() ? "upstream_url" : "upstream_url_file")),
        system_roots_(system_roots_file(variable(environment, "SSL_CERT_FILE"))),
        is_for_machines_(options.command_options.contains("--json")),
        timeout_(timeout_of(settings_)) {}

  int run() {
    add({"url", CheckVerdict::ok, {}, shown_url(settings_.upstream) + " (from " + source_ + ")", ""});
    if (const auto pooler = pooler_finding(settings_.upstream)) add(*pooler);
    if (reach_hosts() && log_in_first()) {
      log_in_again();
      time_round_trips();
      ask_limits();
    }
    if (is_for_machines_) std::cout << findings_json(findings_);
    return has_failed(findings_) ? 1 : 0;
  }

 private:
  void add(Finding finding) {
    if (!is_for_machines_) std::cout << finding_text(finding) << std::flush;
    findings_.push_back(std::move(finding));
  }

  void add_failure(const std::string& step, CheckVerdict verdict, double time_ms, const std::string& what,
                   const ConnectError& failure) {
    add({step, verdict, time_ms, what + failure.error.message, remedy_of(failure)});
  }

  bool reach_hosts() {
    reachable_ = settings_.upstream;
    reachable_.hosts.clear();
    for (const UpstreamHost& host : settings_.upstream.hosts) reach(host);
    return !reachable_.hosts.empty();
  }

  void reach(const UpstreamHost& host) {
    if (host.hostaddr.empty() && is_socket_folder(host.host)) return reachable_.hosts.push_back(host);
    std::vector<std::string> addresses{host.hostaddr};
    if (host.hostaddr.empty()) {
      const LookUp found = look_up(host.host);
      addresses = found.addresses;
      if (addresses.empty()) {
        return add({"dns", CheckVerdict::fail, found.time_ms, host.host + ": " + found.error,
                    "the host is unknown: look for typing errors in it, then at this machine's DNS; a Neon "
                    "endpoint that was "
                    "deleted has no address any more"});
      }
      add({"dns", CheckVerdict::ok, found.time_ms, host.host + ": " + joined(addresses), ""});
    }
    const auto attempts = try_addresses(addresses, host.port, timeout_);
    const bool some_answer =
        std::ranges::any_of(attempts, [](const auto& each) { return each.error.empty(); });
    for (const TcpAttempt& attempt : attempts) {
      const std::string where = attempt.address + " port " + std::to_string(host.port);
      if (attempt.error.empty()) {
        add({"tcp", CheckVerdict::ok, attempt.time_ms, where, ""});
        reachable_.hosts.push_back({host.host, attempt.address, host.port});
      } else {
        add_failure("tcp", some_answer ? CheckVerdict::warn : CheckVerdict::fail, attempt.time_ms,
                    where + ": ", network_error(attempt.error));
      }
    }
  }

  Login log_in_with(ChannelBinding binding) {
    UpstreamTarget target = reachable_;
    target.channel_binding = binding;
    return log_in(libpq_parameters(target, libpq_version(), system_roots_), timeout_);
  }

  bool log_in_first() {
    const auto begin = Clock::now();
    first_ = log_in_with(settings_.upstream.channel_binding);
    if (first_.failure) {
      add_failure(is_of_tls(*first_.failure) ? "tls" : "login", CheckVerdict::fail, milliseconds_since(begin),
                  "", *first_.failure);
      return false;
    }
    report_tls();
    const auto version = ask(first_.connection, "SHOW server_version");
    add({"login", CheckVerdict::ok, first_.login_ms,
         "user " + settings_.upstream.user + ", database " + settings_.upstream.dbname +
             (version.empty() ? "" : ", PostgreSQL " + version.front()),
         ""});
    return true;
  }

  void report_tls() {
    const std::string protocol = tls_attribute(first_.connection, "protocol");
    if (protocol.empty()) {
      const bool is_local = is_socket_folder(settings_.upstream.hosts.front().host);
      return add({"tls",
                  is_local ? CheckVerdict::ok : CheckVerdict::warn,
                  {},
                  is_local ? "none: a unix socket" : "none",
                  is_local ? "" : "everybody on the way can read along: sslmode=verify-full"});
    }
    const bool is_direct = settings_.upstream.sslnegotiation == SslNegotiation::direct;
    add({"tls", CheckVerdict::ok, first_.tls_ms,
         protocol + ", " + tls_attribute(first_.connection, "cipher") +
             (is_direct ? " (tried by SSLRequest; Ballast itself uses sslnegotiation=direct)" : ""),
         ""});
    if (const auto certificate = peer_certificate(tls_of(first_.connection))) {
      add(certificate_finding(*certificate, settings_.upstream.sslmode));
    }
  }

  // Tells what a login costs an awake database, and whether channel binding is to be had.
  void log_in_again() {
    const bool has_tls = !tls_attribute(first_.connection, "protocol").empty();
    const Login again = log_in_with(has_tls ? ChannelBinding::require : settings_.upstream.channel_binding);
    if (has_tls && again.failure) {
      add({"channel binding",
           CheckVerdict::warn,
           {},
           again.failure->error.message,
           remedy_of(*again.failure)});
    } else if (has_tls) {
      add({"channel binding", CheckVerdict::ok, again.login_ms, "SCRAM-SHA-256-PLUS", ""});
    }
    add(wake_finding(first_.silence_ms, again.failure ? 0 : again.silence_ms));
  }

  void time_round_trips() {
    constexpr int round_trips = 9;
    std::vector<double> times_ms;
    for (int i = 0; i < round_trips; ++i) {
      const auto begin = Clock::now();
      const bool is_answered = !ask(first_.connection, "SELECT 1").empty();
      if (is_answered) times_ms.push_back(milliseconds_since(begin));
    }
    add(round_trip_finding(times_ms));
  }

  void ask_limits() {
    const auto row = ask(first_.connection, std::string(limits_query));
    std::array<int, 3> numbers{};
    for (std::size_t i = 0; i < std::min(row.size(), numbers.size()); ++i) {
      std::from_chars(row[i].data(), row[i].data() + row[i].size(), numbers[i]);
    }
    if (numbers[0] > 0) add(limits_finding({numbers[0], numbers[1] + numbers[2]}, settings_));
  }

  const Settings& settings_;
  const std::string source_;
  const std::string system_roots_;
  const bool is_for_machines_;
  const std::chrono::milliseconds timeout_;
  UpstreamTarget reachable_;  // with the addresses that answer
  Login first_;
  CheckReport findings_;
};

}  // namespace

int check(const Options& options, const Environment& environment) {
  if (options.settings.upstream.hosts.empty()) {
    throw OptionsError("no database to check: give its URL, or set NEON_DATABASE_URL");
  }
  return Check(options, environment).run();
}

std::optional<Finding> pooler_finding(const UpstreamTarget& target) {
  for (const UpstreamHost& host : target.hosts) {
    const std::string direct = direct_neon_host(host.host);
    if (direct.empty()) continue;
    return Finding{"host",
                   CheckVerdict::warn,
                   {},
                   host.host + " is Neon's own pooler: waits grow and session state is lost",
                   "use the direct host: " + direct};
  }
  return std::nullopt;
}

Finding certificate_finding(const PeerCertificate& certificate, SslMode mode) {
  constexpr long soon_days = 14;
  Finding finding{"certificate", CheckVerdict::ok, {}, "", ""};
  finding.found = certificate.subject + ", issued by " + certificate.issuer + ", until " +
                  certificate.not_after + ", " + std::to_string(certificate.chain_length) +
                  " in its chain, " +
                  (!certificate.is_trusted        ? "not verified"
                   : mode == SslMode::verify_full ? "verified, its name too"
                                                  : "verified, but not its name");
  if (!certificate.is_trusted) {
    finding.verdict = CheckVerdict::warn;
    finding.remedy =
        "anybody could show such a certificate: sslmode=verify-full, and sslrootcert=system or its root's "
        "file";
  } else if (certificate.days_left < soon_days) {
    finding.verdict = CheckVerdict::warn;
    finding.remedy = "it ends in " + std::to_string(std::max(certificate.days_left, 0L)) +
                     " days: its owner must renew it";
  }
  return finding;
}

// What a loaded machine adds by itself is below both bounds.
Finding wake_finding(double silence_ms, double silence_awake_ms) {
  constexpr double least_wake_ms = 100;
  constexpr double least_factor = 3;
  const double wake_ms = silence_ms - silence_awake_ms;
  if (wake_ms < least_wake_ms || silence_ms < least_factor * silence_awake_ms) {
    return {"wake", CheckVerdict::ok, {}, "the database was awake", ""};
  }
  return {
      "wake", CheckVerdict::ok, wake_ms, "the wake took " + whole(wake_ms) + ": the database was asleep",
      "clients that come first wait so long (query_wait_timeout bounds it); keepalive avoids it, at a price"};
}

Finding round_trip_finding(std::vector<double> times_ms) {
  if (times_ms.empty()) {
    return {
        "round trip", CheckVerdict::fail, {}, "SELECT 1 has failed", "the connection was lost: try again"};
  }
  std::ranges::sort(times_ms);
  const double median_ms = times_ms[times_ms.size() / 2];
  return {"round trip", CheckVerdict::ok, median_ms,
          "median of " + std::to_string(times_ms.size()) + " SELECT 1", ""};
}

Finding limits_finding(const ServerLimits& limits, const Settings& settings) {
  SlotBudget budget;
  budget.learn(limits);
  const int room = budget.figures().most;
  const int size = settings.pool_settings(settings.upstream.dbname, settings.upstream.user).pool_size;
  Finding finding{"max_connections", CheckVerdict::ok, {}, "", ""};
  finding.found = to_text(budget.figures()) + "; room for " + std::to_string(room) +
                  " servers, a pool may have " + std::to_string(size);
  if (size <= room) return finding;
  finding.verdict = CheckVerdict::warn;
  finding.remedy = settings.server_budget == Switch::on
                       ? "server_budget keeps it to " + std::to_string(room) +
                             ": lower default_pool_size to that, or give the compute a larger size"
                       : "logins will be refused: lower default_pool_size, or server_budget = on";
  return finding;
}

}  // namespace ballast
