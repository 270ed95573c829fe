// Lane: one direction of a session: bytes from `From` to `To`, at once, or as late and as slowly as the
// network knobs say.
//
//   await lane.carry()   until `From` has ended, or stop(), and what came before is delivered
//   lane.say(bytes)         something of our own, behind what is on its way
//
// While nothing is delayed, bytes go from read to write in one buffer. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>

#include "tests/neon/coroutine.hpp"
#include "tests/neon/rules/knobs.hpp"

namespace ballast::neon {

template <typename From, typename To>
class Lane {
 public:
  // Sees what comes; true: it has dealt with it, and it goes no further.
  using Customs = std::function<bool(std::string_view)>;
  // How long the bytes that have just passed it are on their way in this direction.
  using Delay = std::function<Milliseconds()>;

  Lane(Executor executor, From& from, To& to, const Knobs& knobs, Customs customs, Delay delay)
      : executor_(executor),
        from_(from),
        to_(to),
        knobs_(knobs),
        customs_(std::move(customs)),
        delay_(std::move(delay)),
        delivered_(executor),
        timer_(executor) {}

  Task<void> carry() {
    while (!is_over_) {
      const auto [error, size] = co_await from_.async_read_some(asio::buffer(buffer_), with_error);
      if (error) break;
      const std::string_view bytes(buffer_.data(), size);
      if (customs_(bytes)) continue;
      const Milliseconds delay = delay_();
      if (delay.count() == 0 && knobs_.bandwidth == 0 && queue_.empty() && !is_writing_)
        co_await write_at_once(bytes);
      else
        enqueue(bytes, delay);
      while (queued_ > most_queued && !is_over_) co_await delivered_.wait();
    }
    while (is_writing_ || (!queue_.empty() && !is_over_)) co_await delivered_.wait();
  }

  void say(std::string_view bytes) { enqueue(bytes, Milliseconds(0)); }

  // The owner cancels the sockets' operations.
  void stop() {
    is_over_ = true;
    timer_.cancel();
    delivered_.ring();
  }

 private:
  static constexpr std::size_t buffer_size = 32 * 1024;
  static constexpr std::size_t most_queued = 4 * 1024 * 1024;

  struct Flight {
    RealTime due;
    std::string bytes;
  };

  Task<void> write_at_once(std::string_view bytes) {
    is_writing_ = true;
    const auto [error, size] = co_await asio::async_write(to_, asio::buffer(bytes), with_error);
    if (error) is_over_ = true;
    co_await deliver();
  }

  // Never before what was sent before.
  void enqueue(std::string_view bytes, Milliseconds delay) {
    RealTime due =
        std::max(last_due_, RealTime::clock::now() + std::chrono::duration_cast<RealTime::duration>(delay));
    if (knobs_.bandwidth > 0) {
      const std::chrono::duration<double> time(static_cast<double>(bytes.size()) / knobs_.bandwidth);
      due += std::chrono::duration_cast<RealTime::duration>(time);
    }
    last_due_ = due;
    queued_ += bytes.size();
    queue_.push_back({due, std::string(bytes)});
    if (std::exchange(is_writing_, true)) return;
    asio::co_spawn(executor_, deliver(), on_its_own);
  }

  Task<void> deliver() {
    while (!queue_.empty() && !is_over_) {
      const Flight flight = std::move(queue_.front());
      queue_.pop_front();
      if (RealTime::clock::now() < flight.due) {
        timer_.expires_at(flight.due);
        co_await timer_.async_wait(with_error);
      }
      if (is_over_) break;
      const auto [error, size] = co_await asio::async_write(to_, asio::buffer(flight.bytes), with_error);
      if (error) is_over_ = true;
      queued_ -= flight.bytes.size();
      delivered_.ring();
    }
    is_writing_ = false;
    delivered_.ring();
  }

  Executor executor_;
  From& from_;
  To& to_;
  const Knobs& knobs_;
  Customs customs_;
  Delay delay_;
  Bell delivered_;
  asio::steady_timer timer_;
  std::deque<Flight> queue_;
  std::size_t queued_ = 0;
  RealTime last_due_{};
  bool is_writing_ = false;
  bool is_over_ = false;
  std::array<char, buffer_size> buffer_;
};

}  // namespace ballast::neon
