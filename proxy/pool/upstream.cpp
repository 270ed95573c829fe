#include "proxy/pool/upstream.hpp"

#include <algorithm>
#include <chrono>

namespace ballast {

namespace {

using namespace std::chrono_literals;

constexpr Milliseconds passing_pause = 100ms;
constexpr Milliseconds crowded_pause = 200ms;
constexpr Milliseconds crowded_pause_max = 10s;
// Neon's proxy remembers an endpoint's refusal for this long (proxy/src/cache/common.rs, DEFAULT_ERROR_TTL).
constexpr Milliseconds refused_pause = 30s;

}  // namespace

void Upstream::rest(State state) {
  if ((state == State::awake) != is_awake()) outdated_up_to_ = attempts_;
  rest_ = state;
  const bool is_asleep = state == State::asleep || state == State::unknown;
  state_.store(is_asleep && is_probing() ? State::waking : state, std::memory_order_relaxed);
}

std::optional<Upstream::Attempt> Upstream::begin_connecting(TimePoint now, int connecting_max) {
  const std::scoped_lock lock(mutex_);
  if (now < retry_at_) return std::nullopt;
  const bool is_bounded = is_awake() && fan_out_ > 0;
  const int most = is_bounded ? std::min(fan_out_, connecting_max) : connecting_max;
  if (connecting_ >= most || is_probing()) return std::nullopt;
  ++connecting_;
  if (rest_ == State::asleep && waking_since_ == long_ago) waking_since_ = now;
  const Attempt attempt{++attempts_, waking_since_};
  if (!is_awake()) {
    probe_ = attempt.number;
    rest(rest_);
  }
  return attempt;
}

// Was it the probe?
bool Upstream::end_probe(Attempt attempt) {
  if (probe_ != attempt.number) return false;
  probe_ = 0;
  return true;
}

// Where there is a probe, the others need not wait for its outcome any more.
Upstream::News Upstream::connected(Attempt) {
  const std::scoped_lock lock(mutex_);
  const News news = is_awake() ? News::nothing : News::may_connect;
  --connecting_;
  ++connected_;
  failures_ = 0;
  failing_since_ = TimePoint::max();
  why_ = {};
  retry_at_ = {};
  waking_since_ = long_ago;
  if (fan_out_ > 0) ++fan_out_;
  probe_ = 0;
  has_slept_ = false;
  rest(State::awake);
  return news;
}

// A pause with jitter, twice as long after each failure, so that those whom one failure has hit don't come
// back together.
void Upstream::pause(TimePoint now, Milliseconds first, Milliseconds most) {
  const int doublings = std::min(failures_ - 1, 16);
  const Milliseconds whole = std::min(first * (1 << doublings), most);
  const auto part = std::uniform_int_distribution<Milliseconds::rep>(0, whole.count() / 4)(random_);
  retry_at_ = now + whole - Milliseconds(part);
}

Upstream::News Upstream::failed(Attempt attempt, TimePoint now, const PgError& why, ConnectFailure kind,
                                Milliseconds retry_max) {
  const std::scoped_lock lock(mutex_);
  --connecting_;
  const bool was_probe = end_probe(attempt);
  if (kind == ConnectFailure::rejected) {  // that is between its pool and the server
    rest(rest_);
    return was_probe ? News::may_connect : News::nothing;
  }
  last_error_ = why;
  failed_at_ = now;
  if (attempt.number <= outdated_up_to_) return News::nothing;
  outdated_up_to_ = attempts_;
  ++failures_;
  const bool is_reached = kind == ConnectFailure::crowded || kind == ConnectFailure::full;
  if (is_reached) {
    failing_since_ = TimePoint::max();
  } else if (failing_since_ == TimePoint::max()) {
    failing_since_ = now;
  }
  why_ = why;
  switch (kind) {
    case ConnectFailure::crowded:
    case ConnectFailure::full:
      fan_out_ = std::max(1, (connecting_ + 1) / 2);
      pause(now, crowded_pause, crowded_pause_max);
      if (!is_awake()) rest(State::down);
      break;
    case ConnectFailure::refused:
      retry_at_ = now + refused_pause;
      rest(State::refused);
      break;
    default:
      pause(now, passing_pause, retry_max);
      rest(State::down);
  }
  return kind == ConnectFailure::full ? News::is_full : News::nothing;
}

Upstream::News Upstream::given_up(Attempt attempt) {
  const std::scoped_lock lock(mutex_);
  --connecting_;
  if (!end_probe(attempt)) return News::nothing;
  waking_since_ = long_ago;
  rest(rest_);
  return News::may_connect;
}

// While others are there, the end of one says nothing about the server.
void Upstream::disconnected(End end) {
  const std::scoped_lock lock(mutex_);
  if (end == End::slept) has_slept_ = true;  // the others may be about to hear of it
  if (--connected_ > 0 || !is_awake()) return;
  rest(end == End::slept ? State::asleep : State::unknown);
}

PgError Upstream::refusal(TimePoint now, Milliseconds patience) const {
  const std::scoped_lock lock(mutex_);
  if (is_probing() || now >= retry_at_) return {};
  if (rest_ == State::refused) return why_;
  if (rest_ != State::down || connected_ > 0 || failing_since_ == TimePoint::max()) return {};
  if (patience.count() == 0 || now - failing_since_ < patience) return {};
  PgError error{Severity::error, std::string(sqlstate::cannot_connect), {}, why_.message, {}};
  error.message = "the database server can't be reached";
  error.hint = "Try again later: it is tried on, and the first connect that succeeds ends this.";
  return error;
}

void Upstream::tick(TimePoint now) {
  if (state() == seen_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  seen_.store(state(), std::memory_order_relaxed);
  since_ = now;
}

Upstream::Figures Upstream::figures() const {
  const std::scoped_lock lock(mutex_);
  return {state(), since_, last_error_, failed_at_, certificate_expires_s_.load(std::memory_order_relaxed)};
}

Upstream::Census Upstream::census() const {
  const std::scoped_lock lock(mutex_);
  return {connecting_, connected_, is_probing()};
}

}  // namespace ballast
