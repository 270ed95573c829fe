#include "proxy/app/top_figures.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace ballast {
namespace {

using Samples = std::vector<Sample>;

// Two looks at the same counters. A process that has begun anew in between counts from nought.
class Looks {
 public:
  Looks(const Samples& before, const Samples& after, double between_s)
      : before_(before), after_(after), between_s_(std::max(between_s, 1e-3)) {}

  double now(std::string_view name, const SampleLabels& labels = {}) const {
    return sum_of(after_, name, labels);
  }

  double since(std::string_view name, const SampleLabels& labels = {}) const {
    const double after = now(name, labels);
    const double before = sum_of(before_, name, labels);
    return after < before ? after : after - before;
  }
  double per_second(std::string_view name, const SampleLabels& labels = {}) const {
    return since(name, labels) / between_s_;
  }

  Percentiles percentiles(std::string_view name, const SampleLabels& labels = {}) const {
    Buckets since = buckets_of(after_, name, labels);
    const Buckets before = buckets_of(before_, name, labels);
    const bool is_same_process = std::ranges::all_of(before, [&since](const auto& bucket) {
      const auto found = since.find(bucket.first);
      return found != since.end() && found->second >= bucket.second;
    });
    if (is_same_process) {
      for (const auto& [bound, count] : before) since[bound] -= count;
    }
    return {quantile(since, 0.5), quantile(since, 0.95), quantile(since, 0.99)};
  }

  // What is not told is told apart from nought.
  double now_if_told(std::string_view name) const {
    return std::ranges::find(after_, name, &Sample::name) == after_.end() ? -1 : now(name);
  }

  std::string label_of(std::string_view name, std::string_view label) const {
    for (const Sample& sample : after_) {
      const auto found = sample.labels.find(label);
      if (sample.name == name && sample.value == 1 && found != sample.labels.end()) return found->second;
    }
    return "unknown";
  }

  const Samples& after() const { return after_; }

 private:
  const Samples& before_;
  const Samples& after_;
  const double between_s_;
};

TopPool pool_of(const Looks& looks, const SampleLabels& pool) {
  const auto in_state = [&](std::string_view name, const char* state) {
    SampleLabels labels = pool;
    labels["state"] = state;
    return looks.now(name, labels);
  };
  TopPool figures;
  figures.database = pool.at("database");
  figures.user = pool.at("user");
  figures.clients = looks.now("ballast_clients", pool);
  figures.clients_waiting = in_state("ballast_clients", "waiting");
  figures.servers_active = in_state("ballast_servers", "active");
  figures.servers_idle = in_state("ballast_servers", "idle");
  figures.servers_settling = in_state("ballast_servers", "settling");
  figures.servers_connecting = in_state("ballast_servers", "connecting");
  figures.size = looks.now("ballast_pool_size", pool);
  figures.transactions_per_s = looks.per_second("ballast_transaction_seconds_count", pool);
  figures.request = looks.percentiles("ballast_request_seconds", pool);
  figures.wait = looks.percentiles("ballast_wait_seconds", pool);
  figures.oldest_wait_s = looks.now("ballast_oldest_wait_seconds", pool);
  figures.is_overloaded = looks.now("ballast_pool_overloaded", pool) > 0;
  return figures;
}

void add_pools(const Looks& looks, TopFigures& figures) {
  for (const Sample& sample : looks.after()) {
    if (sample.name == "ballast_pool_size" && sample.labels.contains("database") &&
        sample.labels.contains("user")) {
      figures.pools.push_back(pool_of(looks, sample.labels));
    }
  }
  std::ranges::stable_sort(figures.pools, [](const TopPool& a, const TopPool& b) {
    return std::tie(a.transactions_per_s, a.clients_waiting, a.clients) >
           std::tie(b.transactions_per_s, b.clients_waiting, b.clients);
  });
}

// That a pool has all the servers that it may have is what it is there for.
double pools_filled(const Looks& looks) {
  return looks.now("ballast_limit_hits_total", {{"setting", "default_pool_size"}}) +
         looks.now("ballast_limit_hits_total", {{"setting", "reserve_pool_size"}});
}

// That a server has served its time is nobody's failure.
double servers_retired(const Looks& looks) {
  return looks.now("ballast_timeouts_total", {{"setting", "server_idle_timeout"}}) +
         looks.now("ballast_timeouts_total", {{"setting", "server_lifetime"}});
}

}  // namespace

TopFigures top_figures(const Samples& before, const Samples& after, double between_s, double now_s) {
  const Looks looks(before, after, between_s);
  TopFigures figures;
  figures.version = looks.label_of("ballast_build_info", "version");
  figures.upstream = looks.label_of("ballast_upstream_state", "state");
  figures.uptime_s = std::max(0.0, now_s - looks.now("process_start_time_seconds"));
  figures.clients = looks.now("ballast_client_connections");
  figures.max_clients = looks.now("ballast_max_client_conn");
  figures.resident_bytes = looks.now("process_resident_memory_bytes");
  figures.cpu_part = looks.per_second("process_cpu_seconds_total");
  figures.transactions_per_s = looks.per_second("ballast_transaction_seconds_count");
  figures.request = looks.percentiles("ballast_request_seconds");
  figures.wait = looks.percentiles("ballast_wait_seconds");
  figures.shed = looks.now("ballast_shed_total");
  figures.limit_hits = looks.now("ballast_limit_hits_total") - pools_filled(looks);
  figures.timeouts = looks.now("ballast_timeouts_total") - servers_retired(looks);
  figures.login_failures = looks.now("ballast_client_login_failures_total");
  figures.connect_failures = looks.now("ballast_server_connects_total", {{"result", "failed"}});
  figures.servers_lost = looks.now("ballast_server_closes_total", {{"side", "theirs"}});
  figures.keepalive_pings = looks.now("ballast_keepalive_pings_total");
  figures.keepalive_connects = looks.now("ballast_keepalive_connects_total");
  figures.keepalive_spent_cu_hours = looks.now_if_told("ballast_keepalive_spent_cu_hours");
  figures.keepalive_budget_cu_hours = looks.now_if_told("ballast_keepalive_budget_cu_hours");
  figures.shed_per_s = looks.per_second("ballast_shed_total");
  add_pools(looks, figures);
  return figures;
}

}  // namespace ballast
