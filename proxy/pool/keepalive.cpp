#include "proxy/pool/keepalive.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "proxy/base/log.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

// How long before it would sleep it is pinged: time for a lost ping to be found out (server_check_timeout)
// and for a connect instead. Also the pause between connects: Neon's proxy remembers a refusal for 30 s.
constexpr Milliseconds margin_max = 30s;
constexpr int margin_part = 5;  // of a shorter suspend_timeout

std::string seconds_text(Milliseconds time) { return std::to_string(time.count() / 1000) + " s"; }

// Spending is counted in milliseconds: no rest is lost at each tick.
TimePoint whole(TimePoint time) { return std::chrono::time_point_cast<Milliseconds>(time); }

}  // namespace

KeepaliveTerms KeepaliveTerms::of(const Settings& settings) {
  KeepaliveTerms terms;
  terms.mode = settings.may_sleep() ? settings.keepalive : KeepaliveMode::off;
  terms.schedule = Schedule::parse(settings.keepalive_schedule);
  terms.suspend_timeout = settings.suspend_timeout;
  terms.compute_cu = settings.compute_cu;
  terms.budget_cu_microseconds =
      static_cast<std::int64_t>(settings.keepalive_budget_cu_hours) * (KeepaliveSpending::cu_hour / 1000);
  return terms;
}

void Keepalive::configure(KeepaliveTerms terms) {
  const std::scoped_lock lock(mutex_);
  const Milliseconds longer = terms.suspend_timeout - terms_.suspend_timeout;
  for (TimePoint* const time : {&real_until_, &kept_until_, &kept_before_}) {
    if (*time != long_ago) *time += longer;
  }
  terms_ = std::move(terms);
  is_in_hours_ = false;
  has_ended_ = false;
  is_off_ = terms_.mode == KeepaliveMode::off;
}

void Keepalive::resume(const KeepaliveSpending& spending) {
  const std::scoped_lock lock(mutex_);
  spent_ = spending;
}

Milliseconds Keepalive::margin() const { return std::min(margin_max, terms_.suspend_timeout / margin_part); }

// Awake by us, and by nobody else.
Duration Keepalive::bought(TimePoint from, TimePoint to) const {
  return std::max(Duration(0), std::min(to, kept_until_) - std::max(from, real_until_));
}

void Keepalive::count(Duration time, KeepaliveSpending& spending) const {
  const auto awake = std::chrono::duration_cast<Milliseconds>(time);
  spending.awake += awake;
  spending.cu_microseconds += awake.count() * static_cast<std::int64_t>(terms_.compute_cu);
}

void Keepalive::count_up_to(TimePoint time) {
  if (time <= counted_up_to_) return;
  count(bought(counted_up_to_, time), spent_);
  counted_up_to_ = time;
}

// A clock that is set back must not give the budget out again.
void Keepalive::turn_month(WallTime wall) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(wall));
  const std::chrono::year_month month = date.year() / date.month();
  if (month > spent_.month) {
    spent_ = {};
    has_ended_ = false;
  }
  spent_.month = month;
}

void Keepalive::note(const Sight& sight) {
  if (sight.active_at != long_ago && sight.active_at + terms_.suspend_timeout > real_until_) {
    count_up_to(std::min(whole(sight.active_at), sight.now));
    real_until_ = whole(sight.active_at) + terms_.suspend_timeout;
  }
  count_up_to(sight.now);
  turn_month(sight.wall);
  if (sight.upstream == Upstream::State::asleep) {
    real_until_ = std::min(real_until_, sight.now);
    kept_until_ = std::min(kept_until_, sight.now);
  }
  const auto worker = static_cast<std::size_t>(sight.worker);
  if (clients_.size() <= worker) clients_.resize(worker + 1);
  clients_[worker] = sight.clients;
}

bool Keepalive::is_wanted(const Sight& sight) {
  switch (terms_.mode) {
    case KeepaliveMode::off:
      return false;
    case KeepaliveMode::while_clients:
      return std::accumulate(clients_.begin(), clients_.end(), 0) > 0;
    case KeepaliveMode::schedule: {
      const bool was_in_hours = std::exchange(
          is_in_hours_, terms_.schedule.covers(std::chrono::floor<std::chrono::seconds>(sight.wall)));
      has_been_awake_ = sight.upstream == Upstream::State::awake || (was_in_hours && has_been_awake_);
      return is_in_hours_;
    }
    case KeepaliveMode::always:
      break;
  }
  return true;
}

bool Keepalive::may_wake() const {
  return terms_.mode == KeepaliveMode::always || (terms_.mode == KeepaliveMode::schedule && !has_been_awake_);
}

Keepalive::Act Keepalive::act_for(const Sight& sight, TimePoint asleep_at) const {
  const bool is_surely_awake = sight.now < asleep_at;
  switch (sight.upstream) {
    case Upstream::State::waking:
      return Act::nothing;
    case Upstream::State::awake:
      if (sight.has_idle_server) return Act::ping;
      // Another worker may have an idle one.
      if (is_surely_awake && sight.now < asleep_at - margin() / 2) return Act::nothing;
      break;
    case Upstream::State::unknown:
      break;
    case Upstream::State::asleep:
    case Upstream::State::down:
    case Upstream::State::refused:
      if (!may_wake()) return Act::nothing;
      break;
  }
  const bool may_connect = (is_surely_awake || may_wake()) && sight.now >= may_connect_at_;
  return may_connect ? Act::connect : Act::nothing;
}

bool Keepalive::is_affordable(TimePoint now) {
  if (terms_.budget_cu_microseconds == 0) return true;
  KeepaliveSpending after = spent_;
  const TimePoint until = now + terms_.suspend_timeout;
  count(until - std::min(until, std::max(real_until_, now)), after);
  if (after.cu_microseconds <= terms_.budget_cu_microseconds) return true;
  if (std::exchange(has_ended_, true)) return false;
  ++figures_.budget_ends;
  log::warning("keepalive", "off until the month ends: another " + seconds_text(terms_.suspend_timeout) +
                                " awake would exceed keepalive_budget_cu_hours; spent are " +
                                std::to_string(spent_.cu_hours()) + " CU hours");
  return false;
}

void Keepalive::keep(TimePoint now) {
  kept_before_ = kept_until_;
  kept_until_ = now + terms_.suspend_timeout;
}

Keepalive::Act Keepalive::decide(Sight sight) {
  const std::scoped_lock lock(mutex_);
  sight.now = whole(sight.now);
  note(sight);
  if (!is_wanted(sight)) return Act::nothing;
  const TimePoint asleep_at = std::max(real_until_, kept_until_);
  if (sight.now < asleep_at - margin()) return Act::nothing;
  const Act act = act_for(sight, asleep_at);
  if (act == Act::nothing || !is_affordable(sight.now)) return Act::nothing;
  if (act == Act::ping) {
    ++figures_.pings;
    keep(sight.now);
  } else {
    may_connect_at_ = sight.now + margin();
  }
  return act;
}

void Keepalive::connected(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  count_up_to(whole(now));
  ++figures_.connects;
  has_been_awake_ = true;
  keep(whole(now));
}

void Keepalive::missed() {
  const std::scoped_lock lock(mutex_);
  kept_until_ = std::min(kept_until_, kept_before_);
}

KeepaliveSpending Keepalive::spending() const {
  const std::scoped_lock lock(mutex_);
  KeepaliveSpending spending = spent_;
  count(bought(counted_up_to_, kept_until_), spending);
  return spending;
}

Keepalive::Figures Keepalive::figures() const {
  Figures figures;
  figures.spending = spending();
  const std::scoped_lock lock(mutex_);
  figures.pings = figures_.pings;
  figures.connects = figures_.connects;
  figures.budget_ends = figures_.budget_ends;
  figures.budget_cu_microseconds = terms_.budget_cu_microseconds;
  return figures;
}

}  // namespace ballast
