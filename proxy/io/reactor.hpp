// Reactor: the Loop on real sockets, one per worker thread: a level-triggered epoll set, moments in time, and
// tasks from other threads. A socket is registered once for its life; a query costs no epoll_ctl.
//
// Confined to the thread that calls run_once(), post() excepted. One turn is: wait; call the handlers of
// sockets; call those that asked for again(); ring the alarms that are due; run the posted tasks; destroy the
// buried. All else that was made with a Reactor must be gone before it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "proxy/io/socket.hpp"
#include "proxy/io/world.hpp"

struct epoll_event;

namespace ballast {

// The owner of a registered socket. `events` are epoll's (EPOLLIN, ...).
class EventHandler {
 public:
  virtual void on_events(std::uint32_t events) = 0;
  // What again() asked for.
  virtual void on_again() {}

 protected:
  ~EventHandler() = default;
};

class AlarmHandler {
 public:
  virtual void on_alarm() = 0;

 protected:
  ~AlarmHandler() = default;
};

class Alarm;

class Reactor final : public Loop {
 public:
  Reactor();  // throws std::system_error
  ~Reactor() override;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  TimePoint now() const override { return now_; }
  void post(std::function<void()> task) override;
  void bury(std::unique_ptr<Mortal> dead) override;

  // One turn. Waits for at most `max_wait`, and not at all where something is due.
  void run_once(Duration max_wait);

  void add(int fd, std::uint32_t events, EventHandler& handler);
  void change(int fd, std::uint32_t events, EventHandler& handler);
  // Ends a registration whose socket stays open.
  void remove(int fd, EventHandler& handler);
  // The handler is not called any more, not even for what this turn has already found. The caller closes the
  // socket, which ends its registration.
  void forget(EventHandler& handler);
  // Calls on_again() in the next turn, once, without waiting for the socket: for bytes that a TLS library
  // holds.
  void again(EventHandler& handler);
  void not_again(EventHandler& handler);
  // False within a callback after which its handler is gone (forgotten or removed).
  bool is_calling(const EventHandler& handler) const { return calling_ == &handler; }

 private:
  friend class Alarm;
  using Alarms = std::multimap<TimePoint, Alarm*>;

  static constexpr std::size_t batch_size = 128;

  int wait_ms(Duration max_wait) const;
  void call_handlers(std::span<epoll_event> events);
  void call_again();
  void ring_alarms();
  void run_tasks();
  void destroy_buried();

  FileDescriptor epoll_;
  FileDescriptor wake_;  // eventfd; written to when another thread's task waits
  TimePoint now_;

  std::span<epoll_event> batch_;           // what epoll found in this turn, while handlers are called
  const EventHandler* calling_ = nullptr;  // whose callback is on the stack?
  std::vector<EventHandler*> again_;       // to be called in the next turn
  std::vector<EventHandler*> again_now_;   // to be called in this turn
  Alarms alarms_;
  std::vector<std::unique_ptr<Mortal>> buried_;

  std::vector<std::function<void()>> own_tasks_;  // posted on this thread
  bool woken_ = false;                            // did this turn find a wake-up?
  std::mutex mutex_;
  std::vector<std::function<void()>> foreign_tasks_;  // posted by others; guarded by mutex_
};

// A moment at which its handler is called once. Destroying it, or setting it anew, takes the moment back.
class Alarm {
 public:
  Alarm(Reactor& reactor, AlarmHandler& handler) : reactor_(reactor), handler_(handler) {}
  ~Alarm() { cancel(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  void set(TimePoint when);
  void cancel();

 private:
  friend class Reactor;

  Reactor& reactor_;
  AlarmHandler& handler_;
  bool is_set_ = false;
  Reactor::Alarms::iterator place_;  // valid while is_set_
};

}  // namespace ballast
