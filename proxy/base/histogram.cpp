#include "proxy/base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace ballast {

namespace {

using std::chrono::microseconds;

constexpr std::uint64_t parts = 16;  // of a power of two
constexpr std::uint64_t time_max_us = (std::uint64_t{1} << 32) - 1;

std::uint64_t to_us(Durations::Duration time) {
  const auto us = std::chrono::duration_cast<microseconds>(time).count();
  return std::clamp<std::uint64_t>(us < 0 ? 0 : static_cast<std::uint64_t>(us), 0, time_max_us);
}

// Below 16 us each has a bucket; above, the leading five bits of the number choose it.
std::size_t bucket_of(std::uint64_t us) {
  if (us < parts) return us;
  const int shift = static_cast<int>(std::bit_width(us)) - 5;
  return static_cast<std::size_t>(parts + static_cast<std::uint64_t>(shift) * parts + (us >> shift) - parts);
}

// Of the bucket: in the middle.
std::uint64_t value_of(std::size_t bucket) {
  if (bucket < 2 * parts) return bucket;
  const std::size_t shift = bucket / parts - 1;
  const std::uint64_t low = (bucket % parts + parts) << shift;
  return low + (std::uint64_t{1} << shift) / 2;
}

}  // namespace

void Durations::add(Duration time, std::uint64_t times) {
  const std::uint64_t us = to_us(time);
  counts_[bucket_of(us)] += times;
  sum_us_ += us * times;
}

Durations& Durations::operator+=(const Durations& other) {
  for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] += other.counts_[i];
  sum_us_ += other.sum_us_;
  return *this;
}

Durations& Durations::operator-=(const Durations& earlier) {
  for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] -= std::min(counts_[i], earlier.counts_[i]);
  sum_us_ -= std::min(sum_us_, earlier.sum_us_);
  return *this;
}

std::uint64_t Durations::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

microseconds Durations::percentile(double part) const {
  const std::uint64_t all = count();
  if (all == 0) return microseconds(0);
  const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += counts_[i];
    if (seen >= std::max<std::uint64_t>(rank, 1)) return microseconds(value_of(i));
  }
  return microseconds(value_of(bucket_count - 1));
}

std::uint64_t Durations::shorter_than_power(int power) const {
  const std::size_t end = std::min(bucket_of(std::uint64_t{1} << power), bucket_count);
  return std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(end),
                         std::uint64_t{0});
}

void Histogram::record(Durations::Duration time) {
  const std::uint64_t us = to_us(time);
  auto& count = counts_[bucket_of(us)];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  sum_us_.store(sum_us_.load(std::memory_order_relaxed) + us, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  Durations all;
  add_to(all);
  return all.count();
}

void Histogram::add_to(Durations& sum) const {
  for (std::size_t i = 0; i < Durations::bucket_count; ++i)
    sum.counts_[i] += counts_[i].load(std::memory_order_relaxed);
  sum.sum_us_ += sum_us_.load(std::memory_order_relaxed);
}

}  // namespace ballast
