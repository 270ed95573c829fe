// What the simulator's coroutines share: their type, waiting, and how they take errors without an exception.
//
// One io_context, one thread. g++ 12 wants awaited expressions plain: no braces, no lambda, no ?: inside.
#pragma once

#include <exception>
#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/neon/rules/clock.hpp"

namespace ballast::neon {

namespace asio = boost::asio;
using Executor = asio::any_io_executor;
using ErrorCode = boost::system::error_code;

template <typename T>
using Task = asio::awaitable<T>;

inline constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

// How a coroutine is spawned of which nobody waits for the end: what it throws ends the program.
inline constexpr auto on_its_own = [](std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
};

// Waits so long in real time.
Task<void> pause(Milliseconds time);

// Something that coroutines wait for. ring() wakes all that wait now.
class Bell {
 public:
  explicit Bell(Executor executor);
  Task<void> wait();
  void ring();

 private:
  asio::steady_timer timer_;
};

// Calls `expire` after so long, unless it is destroyed before.
class Deadline {
 public:
  template <typename Expire>
  Deadline(Executor executor, Milliseconds time, Expire expire)
      : timer_(executor), expired_(std::make_shared<bool>()) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::microseconds>(time));
    timer_.async_wait([expired = std::weak_ptr<bool>(expired_), expire](ErrorCode error) {
      const auto flag = expired.lock();
      if (error || !flag) return;
      *flag = true;
      expire();
    });
  }
  bool expired() const { return *expired_; }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<bool> expired_;
};

}  // namespace ballast::neon
