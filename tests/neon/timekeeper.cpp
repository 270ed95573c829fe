#include "tests/neon/timekeeper.hpp"

#include <algorithm>

namespace ballast::neon {

Timekeeper::Timekeeper(Executor executor) : clock_(RealTime::clock::now()), executor_(executor) {}

Task<void> Timekeeper::wait(Seconds time) {
  const Seconds instant = now() + time;
  asio::steady_timer timer(executor_);
  waiting_.push_back(&timer);
  while (now() < instant) {
    const Milliseconds rest = clock_.real_until(RealTime::clock::now(), instant);
    timer.expires_after(std::chrono::ceil<std::chrono::microseconds>(rest));
    co_await timer.async_wait(with_error);
  }
  std::erase(waiting_, &timer);
}

void Timekeeper::advance(Seconds by) {
  clock_.advance(RealTime::clock::now(), by);
  ++jumps_;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

void Timekeeper::set_scale(double scale) {
  clock_.set_scale(RealTime::clock::now(), scale);
  ++jumps_;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

}  // namespace ballast::neon
