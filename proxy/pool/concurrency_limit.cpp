#include "proxy/pool/concurrency_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace ballast {

namespace {

using namespace std::chrono_literals;

constexpr Duration window_min = 100ms;
constexpr std::int64_t samples_per_server = 8;
constexpr std::int64_t samples_min = 24;
constexpr int windows_between_probes = 16;
// Where all wait for the same thing, twice as many take twice as long.
constexpr double hardly_slower = 1.25;
constexpr double much_slower = 1.6;

double log_of(Duration time) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return std::log2(static_cast<double>(std::max<std::int64_t>(us, 1)));
}

int half(int limit) { return (limit + 1) / 2; }
int step(int limit) { return std::max(1, limit / 8); }

}  // namespace

int ConcurrencyLimit::value(int most) const {
  const int limit = std::min(limit_, most);
  return is_probing_ ? half(limit) : limit;
}

void ConcurrencyLimit::sample(TimePoint now, Duration server_time, const Load& load) {
  if (is_probing_ && load.in_use > value(load.most)) return;  // begun before the window
  if (count_ == 0) window_began_ = now;
  sum_ += log_of(server_time);
  ++count_;
  if (load.waiting > 0) ++limited_;
  const std::int64_t wanted = std::max(samples_min, samples_per_server * load.in_use);
  if (count_ >= wanted && now - window_began_ >= window_min) end_window(load.most);
}

void ConcurrencyLimit::end_window(int most) {
  const double time = sum_ / static_cast<double>(count_);
  // A limit that nobody feels is neither right nor wrong.
  const bool was_felt = limited_ * 2 > count_;
  sum_ = 0;
  count_ = limited_ = 0;
  if (is_probing_) {
    is_probing_ = false;
    unloaded_ = time;
    until_probe_ = windows_between_probes;
    return;
  }
  if (!was_felt) return;
  if (unloaded_) judge(std::exp2(time - *unloaded_), most);
  if (--until_probe_ <= 0 && std::min(limit_, most) > 1) is_probing_ = true;
}

// What it is compared with is soon outdated where something changes, so it is measured again the sooner.
void ConcurrencyLimit::judge(double slower, int most) {
  const int limit = std::min(limit_, most);
  if (slower > much_slower) {
    limit_ = is_searching_ ? half(limit) : std::max(1, limit - step(limit));
    until_probe_ = 0;
    return;
  }
  is_searching_ = false;
  if (slower > hardly_slower || limit == most) return;
  limit_ = limit + step(limit);
  until_probe_ -= windows_between_probes / 4;
}

}  // namespace ballast
