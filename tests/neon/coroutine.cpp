#include "tests/neon/coroutine.hpp"

#include <boost/asio/this_coro.hpp>

namespace ballast::neon {

Task<void> pause(Milliseconds time) {
  if (time.count() <= 0) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<std::chrono::microseconds>(time));
  co_await timer.async_wait(with_error);
}

Bell::Bell(Executor executor) : timer_(executor, asio::steady_timer::time_point::max()) {}

Task<void> Bell::wait() { co_await timer_.async_wait(with_error); }

void Bell::ring() { timer_.cancel(); }

}  // namespace ballast::neon
