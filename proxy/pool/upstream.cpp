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
  rest_ = state;
  const bool is_asleep = state == State::asleep || state == State::unknown;
  state_.store(is_asleep && is_probing_ ? State::waking : state, std::memory_order_relaxed);
}

bool Upstream::begin_connecting(TimePoint now, int connecting_max) {
  const std::scoped_lock lock(mutex_);
  if (now < retry_at_) return false;
  if (is_awake()) {
    const int most = fan_out_ > 0 ? std::min(fan_out_, connecting_max) : connecting_max;
    if (connecting_ >= most) return false;
  } else {
    if (is_probing_ || connecting_ >= connecting_max) return false;
    is_probing_ = true;
    rest(rest_);
  }
  ++connecting_;
  return true;
}

Upstream::News Upstream::connected(TimePoint) {
  const std::scoped_lock lock(mutex_);
  const News news = is_probing_ ? News::may_connect : News::nothing;
  --connecting_;
  ++connected_;
  failures_ = 0;
  why_ = {};
  retry_at_ = {};
  if (fan_out_ > 0) ++fan_out_;
  is_probing_ = false;
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

Upstream::News Upstream::failed(TimePoint now, const PgError& why, ConnectFailure kind,
                                Milliseconds retry_max) {
  const std::scoped_lock lock(mutex_);
  const bool was_probing = is_probing_;
  --connecting_;
  is_probing_ = false;
  if (kind == ConnectFailure::rejected) {  // that is between its pool and the server
    rest(rest_);
    return was_probing ? News::may_connect : News::nothing;
  }
  if (failures_++ == 0) failing_since_ = now;
  why_ = why;
  switch (kind) {
    case ConnectFailure::crowded:
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
  return News::nothing;
}

Upstream::News Upstream::given_up() {
  const std::scoped_lock lock(mutex_);
  const bool was_probing = is_probing_;
  --connecting_;
  is_probing_ = false;
  rest(rest_);
  return was_probing ? News::may_connect : News::nothing;
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
  if (is_probing_ || now >= retry_at_) return {};
  if (rest_ == State::refused) return why_;
  const bool is_out_of_patience = patience.count() > 0 && now - failing_since_ >= patience;
  if (rest_ != State::down || connected_ > 0 || !is_out_of_patience) return {};
  PgError error{Severity::error, std::string(sqlstate::cannot_connect), {}, why_.message, {}};
  error.message = "the database server can't be reached";
  error.hint = "Try again later: it is tried on, and the first connect that succeeds ends this.";
  return error;
}

}  // namespace ballast
