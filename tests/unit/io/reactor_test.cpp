#include "proxy/io/reactor.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <sys/epoll.h>

#include <doctest/doctest.h>

#include "tests/unit/io/peer.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

struct CallOnAlarm : AlarmHandler {
  explicit CallOnAlarm(std::function<void()> task) : call(std::move(task)) {}
  void on_alarm() override { call(); }
  std::function<void()> call;
};

struct CallOnEvents : EventHandler {
  void on_events(std::uint32_t) override { call(); }
  void on_again() override { call_again(); }
  std::function<void()> call = [] {};
  std::function<void()> call_again = [] {};
};

struct CallAtEnd : Mortal {
  explicit CallAtEnd(std::function<void()> task) : call(std::move(task)) {}
  ~CallAtEnd() override { call(); }
  std::function<void()> call;
};

}  // namespace

TEST_CASE("a task that was posted runs once, in a later turn") {
  Reactor reactor;
  int runs = 0;
  reactor.post([&] { ++runs; });
  CHECK(runs == 0);
  reactor.run_once(1s);
  CHECK(runs == 1);
  reactor.run_once(0s);
  CHECK(runs == 1);
}

TEST_CASE("a task that a task posts waits for the next turn, and that turn does not wait") {
  Reactor reactor;
  int runs = 0;
  reactor.post([&] {
    ++runs;
    reactor.post([&] { ++runs; });
  });
  reactor.run_once(1s);
  CHECK(runs == 1);
  reactor.run_once(1h);
  CHECK(runs == 2);
}

TEST_CASE("tasks from other threads end the wait of the loop, and none is lost") {
  Reactor reactor;
  int runs = 0;
  constexpr int each = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n) reactor.post([&] { ++runs; });
    });
  }
  while (runs < 4 * each) reactor.run_once(1h);
  CHECK(runs == 4 * each);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("the time stands still within a turn and never goes back") {
  Reactor reactor;
  const TimePoint before = reactor.now();
  reactor.post([&] {
    const TimePoint seen = reactor.now();
    while (Clock::now() == seen) continue;
    CHECK(reactor.now() == seen);
  });
  reactor.run_once(1s);
  CHECK(reactor.now() >= before);
}

TEST_CASE("alarms ring in the order of their moments, once each, and end the wait") {
  Reactor reactor;
  std::vector<int> rung;
  CallOnAlarm first([&] { rung.push_back(1); });
  CallOnAlarm second([&] { rung.push_back(2); });
  Alarm later(reactor, second);
  Alarm sooner(reactor, first);
  later.set(reactor.now() + 2ms);
  sooner.set(reactor.now() + 1ms);
  CHECK(run_until(reactor, [&] { return rung.size() == 2; }));
  reactor.run_once(5ms);
  CHECK(rung == std::vector{1, 2});
}

TEST_CASE("an alarm that is cancelled, set anew or destroyed does not ring for its former moment") {
  Reactor reactor;
  int rung = 0;
  CallOnAlarm handler([&] { ++rung; });
  Alarm cancelled(reactor, handler);
  Alarm moved(reactor, handler);
  std::optional<Alarm> destroyed;
  destroyed.emplace(reactor, handler);
  cancelled.set(reactor.now());
  moved.set(reactor.now());
  destroyed->set(reactor.now());
  cancelled.cancel();
  moved.set(reactor.now() + 1h);
  destroyed.reset();
  reactor.run_once(1ms);
  reactor.run_once(1ms);
  CHECK(rung == 0);
}

TEST_CASE("an alarm may destroy another one that is due in the same turn") {
  Reactor reactor;
  int rung = 0;
  std::optional<Alarm> one;
  std::optional<Alarm> two;
  CallOnAlarm ends_two([&] {
    ++rung;
    two.reset();
  });
  CallOnAlarm ends_one([&] {
    ++rung;
    one.reset();
  });
  one.emplace(reactor, ends_two);
  two.emplace(reactor, ends_one);
  one->set(reactor.now());
  two->set(reactor.now());
  reactor.run_once(1ms);
  CHECK(rung == 1);
}

TEST_CASE("alarms that set each other for at once do not hold the turn") {
  Reactor reactor;
  int rung = 0;
  std::optional<Alarm> alarm;
  CallOnAlarm handler([&] {
    ++rung;
    alarm->set(reactor.now() - 1s);
  });
  alarm.emplace(reactor, handler);
  alarm->set(reactor.now());
  reactor.run_once(0s);
  CHECK(rung == 1);
  reactor.run_once(1h);
  CHECK(rung == 2);
}

TEST_CASE("the buried end with the turn, those that they bury too") {
  Reactor reactor;
  int ended = 0;
  reactor.post([&] {
    reactor.bury(std::make_unique<CallAtEnd>([&] {
      ++ended;
      reactor.bury(std::make_unique<CallAtEnd>([&] { ++ended; }));
    }));
    CHECK(ended == 0);
  });
  reactor.run_once(1s);
  CHECK(ended == 2);
}

TEST_CASE("a handler that was forgotten within a turn gets no event of that turn") {
  Reactor reactor;
  Listener listener;
  Peer one = listener.connect();
  Peer one_end = listener.accept();
  Peer two = listener.connect();
  Peer two_end = listener.accept();
  CallOnEvents first;
  CallOnEvents second;
  int calls = 0;
  first.call = [&] {
    ++calls;
    reactor.remove(two.fd(), second);
    reactor.remove(one.fd(), first);
  };
  second.call = first.call;
  reactor.add(one.fd(), EPOLLIN, first);
  reactor.add(two.fd(), EPOLLIN, second);
  one_end.write("x");
  two_end.write("x");
  reactor.run_once(1s);
  reactor.run_once(0s);
  CHECK(calls == 1);
}

TEST_CASE("again calls once, in the next turn, and not a handler that was forgotten") {
  Reactor reactor;
  CallOnEvents first;
  CallOnEvents second;
  int calls = 0;
  first.call_again = [&] {
    ++calls;
    reactor.forget(second);
  };
  second.call_again = [&] {
    ++calls;
    reactor.forget(first);
  };
  reactor.again(first);
  reactor.again(second);
  reactor.run_once(1h);
  reactor.run_once(0s);
  CHECK(calls == 1);
}

}  // namespace ballast::test
