#include "tests/neon/monitor.hpp"

#include <cstdlib>
#include <utility>

namespace ballast::neon {
namespace {

constexpr const char* statistics_sql =
    "select coalesce(sum(active_time), 0), coalesce(sum(sessions), 0) from pg_stat_database"
    " where datname not in ('postgres', 'template0', 'template1')";
constexpr const char* backends_sql =
    "select count(*) filter (where state <> 'idle'),"
    " extract(epoch from max(state_change)) from pg_stat_activity"
    " where backend_type = 'client backend' and pid <> pg_backend_pid() and usename <> ";
constexpr const char* replication_sql =
    "select count(*) from pg_stat_replication where application_name <> 'walproposer'";
constexpr const char* subscriptions_sql = "select count(*) from pg_stat_subscription where pid is not null";
constexpr const char* autovacuum_sql =
    "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'";

// Of seconds since 1970 by the server's clock, which is ours.
RealTime real_time_of(const std::string& epoch) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  const std::chrono::duration<double> age =
      now - std::chrono::duration<double>(std::strtod(epoch.c_str(), nullptr));
  return RealTime::clock::now() - std::chrono::duration_cast<RealTime::duration>(age);
}

}  // namespace

Monitor::Monitor(Executor executor, Database database, const Timekeeper& time, const Knobs& knobs)
    : executor_(executor), database_(std::move(database)), time_(time), knobs_(knobs) {}

Task<std::optional<Seconds>> Monitor::poll() {
  if (std::exchange(is_stale_, false)) {
    backend_.reset();
    statistics_.reset();
  }
  const bool is_connected = co_await connect();
  if (!is_connected) co_return std::nullopt;
  if (co_await statistics_moved()) co_return time_.now();
  for (;;) {
    const std::uint64_t jumps = time_.jumps();
    const auto seen = co_await look_around();
    if (jumps == time_.jumps()) co_return seen;  // else it may be from before as well as from after
  }
}

Task<std::optional<Seconds>> Monitor::look_around() {
  const auto seen = co_await look_at_backends();
  if (seen) co_return seen;
  if (co_await any(replication_sql)) co_return time_.now();
  if (co_await any(subscriptions_sql)) co_return time_.now();
  if (co_await any(autovacuum_sql)) co_return time_.now();
  co_return std::nullopt;
}

Task<bool> Monitor::connect() {
  if (backend_) co_return true;
  auto backend = std::make_unique<Backend>(executor_);
  StartupParameters parameters;
  parameters.emplace_back("user", database_.superuser);
  parameters.emplace_back("database", "postgres");
  parameters.emplace_back("application_name", "compute_activity_monitor");
  const auto error = co_await backend->login(database_.socket_path, parameters);
  if (error) co_return false;
  backend_ = std::move(backend);
  co_return true;
}

Task<bool> Monitor::statistics_moved() {
  if (!knobs_.count_statistics || !backend_) co_return false;
  const auto rows = co_await backend_->query(statistics_sql);
  if (!rows || rows->empty()) {
    backend_.reset();
    co_return false;
  }
  const bool moved = statistics_ && *statistics_ != rows->front();
  statistics_ = rows->front();
  co_return moved;
}

Task<std::optional<Seconds>> Monitor::look_at_backends() {
  if (!backend_) co_return std::nullopt;
  const auto rows = co_await backend_->query(backends_sql + quote_literal(database_.superuser));
  if (!rows || rows->empty() || rows->front().size() != 2) {
    backend_.reset();
    co_return std::nullopt;
  }
  const std::vector<std::string>& row = rows->front();
  if (row[0] != "0") co_return time_.now();
  if (row[1].empty()) co_return std::nullopt;
  co_return time_.at(real_time_of(row[1]));
}

Task<bool> Monitor::any(std::string count_sql) {
  if (!backend_) co_return false;
  const auto rows = co_await backend_->query(std::move(count_sql));
  if (rows && !rows->empty()) co_return rows->front().front() != "0";
  backend_.reset();
  co_return false;
}

}  // namespace ballast::neon
