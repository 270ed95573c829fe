// Histogram: how often something took how long, in buckets that are each a sixteenth of their power of two
// wide: from 1 us to more than an hour, to within 3 %. (The layout of HdrHistogram, hdrhistogram.org.)
//
// Written by one thread; a reader on another may see a value that is a moment old. Durations is what a reader
// has copied: it can be added to others, subtracted from a later one, and asked for percentiles.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ballast {

class Durations {
 public:
  using Duration = std::chrono::steady_clock::duration;
  static constexpr std::size_t bucket_count = 464;

  void add(Duration time, std::uint64_t times = 1);
  Durations& operator+=(const Durations& other);
  // What has come since; nothing less than nothing, should these have begun anew.
  Durations& operator-=(const Durations& earlier);

  std::uint64_t count() const;
  std::chrono::microseconds sum() const { return std::chrono::microseconds(sum_us_); }
  // The time that this part of all (0 to 1) did not exceed; 0 if there are none.
  std::chrono::microseconds percentile(double part) const;
  // How many took less than 2^power microseconds; power >= 4.
  std::uint64_t shorter_than_power(int power) const;

 private:
  friend class Histogram;
  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t sum_us_ = 0;
};

class Histogram {
 public:
  void record(Durations::Duration time);
  void add_to(Durations& sum) const;
  std::uint64_t count() const;

 private:
  std::array<std::atomic<std::uint64_t>, Durations::bucket_count> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

}  // namespace ballast
