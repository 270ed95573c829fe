#include "proxy/io/reactor.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ballast {
namespace {

// Whose turn is under way on this thread? Lets post() see that no lock and no wake-up is needed.
thread_local const Reactor* running = nullptr;

FileDescriptor checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return FileDescriptor(fd);
}

void control(int epoll, int operation, int fd, std::uint32_t events, void* data) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = data;
  [[maybe_unused]] const int result = ::epoll_ctl(epoll, operation, fd, &event);
  assert(result == 0);
}

}  // namespace

Reactor::Reactor()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      now_(Clock::now()) {
  // Edge-triggered, so that nobody has to read it.
  control(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), EPOLLIN | EPOLLET, &wake_);
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets with write(2), which has no MSG_NOSIGNAL
}

Reactor::~Reactor() { destroy_buried(); }

void Reactor::post(std::function<void()> task) {
  if (running == this) {
    own_tasks_.push_back(std::move(task));
    return;
  }
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    is_first = foreign_tasks_.empty();
    foreign_tasks_.push_back(std::move(task));
  }
  if (is_first) ::eventfd_write(wake_.get(), 1);
}

void Reactor::bury(std::unique_ptr<Mortal> dead) { buried_.push_back(std::move(dead)); }

void Reactor::run_once(Duration max_wait) {
  assert(running == nullptr);
  std::array<epoll_event, batch_size> found;
  const int count = ::epoll_wait(epoll_.get(), found.data(), batch_size, wait_ms(max_wait));
  assert(count >= 0 || errno == EINTR);
  now_ = Clock::now();
  running = this;
  again_now_.swap(again_);
  call_handlers(std::span(found).first(static_cast<std::size_t>(std::max(count, 0))));
  call_again();
  ring_alarms();
  run_tasks();
  destroy_buried();
  running = nullptr;
}

// Measured from the beginning of the last turn, which spares a reading of the clock: an alarm may be late by
// the length of a turn. Rounded up, so that no turn is spent on waiting for the rest of a millisecond.
int Reactor::wait_ms(Duration max_wait) const {
  if (!again_.empty() || !own_tasks_.empty() || !buried_.empty()) return 0;
  Duration wait = max_wait;
  if (!alarms_.empty()) wait = std::min(wait, alarms_.begin()->first - now_);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

void Reactor::call_handlers(std::span<epoll_event> events) {
  for (batch_ = events; !batch_.empty();) {
    const epoll_event event = batch_.front();
    batch_ = batch_.subspan(1);
    if (event.data.ptr == nullptr) continue;  // forgotten in this turn
    if (event.data.ptr == &wake_) {
      woken_ = true;
      continue;
    }
    auto* handler = static_cast<EventHandler*>(event.data.ptr);
    calling_ = handler;
    handler->on_events(event.events);
    calling_ = nullptr;
  }
}

void Reactor::call_again() {
  for (std::size_t i = 0; i < again_now_.size(); ++i) {
    EventHandler* handler = std::exchange(again_now_[i], nullptr);
    if (handler == nullptr) continue;  // forgotten in this turn
    calling_ = handler;
    handler->on_again();
    calling_ = nullptr;
  }
  again_now_.clear();
}

// Alarms that are set meanwhile are for the next turn, due or not: two that set each other can't hold the
// loop.
void Reactor::ring_alarms() {
  if (alarms_.empty()) return;
  for (auto due = std::distance(alarms_.begin(), alarms_.upper_bound(now_)); due > 0; --due) {
    if (alarms_.empty() || alarms_.begin()->first > now_) return;
    Alarm* alarm = alarms_.begin()->second;
    alarm->cancel();
    alarm->handler_.on_alarm();
  }
}

// Tasks that the tasks post are for the next turn.
void Reactor::run_tasks() {
  if (own_tasks_.empty() && !woken_) return;
  std::vector<std::function<void()>> tasks;
  tasks.swap(own_tasks_);
  if (std::exchange(woken_, false)) {
    const std::lock_guard lock(mutex_);
    std::move(foreign_tasks_.begin(), foreign_tasks_.end(), std::back_inserter(tasks));
    foreign_tasks_.clear();
  }
  for (const auto& task : tasks) task();
}

// The dead may bury others.
void Reactor::destroy_buried() {
  while (!buried_.empty()) {
    const auto dead = std::move(buried_);
    buried_.clear();
  }
}

void Reactor::add(int fd, std::uint32_t events, EventHandler& handler) {
  control(epoll_.get(), EPOLL_CTL_ADD, fd, events, &handler);
}

void Reactor::change(int fd, std::uint32_t events, EventHandler& handler) {
  control(epoll_.get(), EPOLL_CTL_MOD, fd, events, &handler);
}

void Reactor::remove(int fd, EventHandler& handler) {
  control(epoll_.get(), EPOLL_CTL_DEL, fd, 0, nullptr);
  forget(handler);
}

void Reactor::forget(EventHandler& handler) {
  if (calling_ == &handler) calling_ = nullptr;
  for (epoll_event& event : batch_) {
    if (event.data.ptr == &handler) event.data.ptr = nullptr;
  }
  not_again(handler);
}

void Reactor::again(EventHandler& handler) { again_.push_back(&handler); }

void Reactor::not_again(EventHandler& handler) {
  std::erase(again_, &handler);
  std::replace(again_now_.begin(), again_now_.end(), &handler, static_cast<EventHandler*>(nullptr));
}

void Alarm::set(TimePoint when) {
  cancel();
  place_ = reactor_.alarms_.emplace(when, this);
  is_set_ = true;
}

void Alarm::cancel() {
  if (std::exchange(is_set_, false)) reactor_.alarms_.erase(place_);
}

}  // namespace ballast
