#include "proxy/pool/wait_queue.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;

class Guest final : public Waiter {
 public:
  explicit Guest(std::string guest, Priority priority = Priority::normal, std::string from = {})
      : name(std::move(guest)), application(std::move(from)) {
    priority_ = priority;
  }
  void on_granted(ServerConnection&) override {}
  void on_refused(const PgError&) override {}
  std::string_view application_name() const override { return application; }
  void asks_again_since(TimePoint since) {
    leave_queue();
    asks_since_ = since;
  }

  std::string name;
  std::string application;
};

struct Bar {
  explicit Bar(const WaitQueue::Rules& rules = {}) { queue.configure(rules); }

  Guest& comes(std::string name, Priority priority = Priority::normal, std::string application = {}) {
    guests.emplace_back(std::move(name), priority, std::move(application));
    queue.push(guests.back(), now);
    return guests.back();
  }
  std::string serve() {
    auto& next = static_cast<Guest&>(queue.next());
    queue.serve(next);
    return next.name;
  }
  std::string serve_all() {
    std::string served;
    while (!queue.empty()) served += serve();
    return served;
  }
  void pass(Duration time) {
    now += time;
    queue.watch(now);
  }
  std::string shed() {
    std::string names;
    while (Waiter* const late = queue.overdue(now)) {
      names += static_cast<Guest*>(late)->name;
      queue.remove(*late);
    }
    return names;
  }

  std::deque<Guest> guests;  // a queue that ends lets go of those who wait in it
  WaitQueue queue;
  TimePoint now{};
};

constexpr WaitQueue::Rules hundred_ms{100ms, 0, FairBy::none};

TEST_CASE("who asks again has the place of when it asked first") {
  Bar bar;
  bar.comes("a");
  bar.pass(10ms);
  bar.comes("b");
  bar.pass(10ms);
  bar.comes("c").asks_again_since(bar.now - 15ms);
  bar.queue.push(bar.guests.back(), bar.now);
  CHECK(bar.guests.back().waiting_since() == bar.now - 15ms);
  bar.comes("d");
  CHECK(bar.serve_all() == "acbd");
}

TEST_CASE("first come, first served") {
  Bar bar;
  for (const char* const name : {"a", "b", "c"}) bar.comes(name);
  CHECK(bar.queue.size() == 3);
  CHECK(bar.serve_all() == "abc");
  CHECK(bar.queue.empty());
}

TEST_CASE("who leaves is not served") {
  Bar bar;
  bar.comes("a");
  bar.comes("b").leave_queue();
  {
    Guest passer("x");
    bar.queue.push(passer, bar.now);
    CHECK(passer.is_waiting());
  }
  bar.comes("c");
  CHECK(bar.serve_all() == "ac");
}

TEST_CASE("a queue that ends lets go of who waits in it") {
  Guest guest("a");
  {
    WaitQueue queue;
    queue.push(guest, TimePoint{});
  }
  CHECK_FALSE(guest.is_waiting());
}

TEST_CASE("a higher priority comes first, whenever it came") {
  Bar bar;
  bar.comes("l", Priority::low);
  bar.comes("n");
  bar.comes("h", Priority::high);
  bar.comes("i", Priority::high);
  CHECK(bar.serve() == "h");
  bar.comes("j", Priority::high);
  CHECK(bar.serve_all() == "ijnl");
}

TEST_CASE("each application has its turn, however many of its clients wait") {
  Bar bar({0ms, 0, FairBy::application_name});
  for (const char* const name : {"a", "b", "c", "d"}) bar.comes(name, Priority::normal, "greedy");
  CHECK(bar.serve() == "a");
  bar.comes("x", Priority::normal, "modest");
  bar.comes("y", Priority::normal, "third");
  CHECK(bar.serve_all() == "bxycd");
}

TEST_CASE("an application that comes back after each answer does not pass those who wait") {
  Bar bar({0ms, 0, FairBy::application_name});
  for (const char* const name : {"a", "b", "c"}) bar.comes(name, Priority::normal, "many");
  bar.comes("1", Priority::normal, "one");
  std::string served;
  for (int i = 2; i < 5; ++i) {
    served += bar.serve();
    if (served.back() >= '0' && served.back() <= '9') bar.comes(std::to_string(i), Priority::normal, "one");
  }
  CHECK(served == "a1b");
}

TEST_CASE("without fair_by the applications make no difference") {
  Bar bar;
  for (const char* const name : {"a", "b"}) bar.comes(name, Priority::normal, "greedy");
  bar.comes("x", Priority::normal, "modest");
  CHECK(bar.serve_all() == "abx");
}

TEST_CASE("who waits longest is known whatever the order of service is") {
  Bar bar;
  bar.comes("l", Priority::low);
  bar.pass(10ms);
  bar.comes("h", Priority::high);
  CHECK(bar.queue.oldest().waiting_since() == TimePoint{});
  CHECK(bar.queue.oldest_but(1).waiting_since() == TimePoint{} + 10ms);
}

TEST_CASE("a burst is no overload, however long its queue is, if it is gone in time") {
  Bar bar(hundred_ms);
  for (const char* const name : {"a", "b", "c"}) bar.comes(name);
  bar.pass(99ms);
  CHECK(bar.serve() == "a");
  bar.pass(100ms);
  CHECK_FALSE(bar.queue.is_overloaded());
  CHECK(bar.shed().empty());
  CHECK(bar.serve_all() == "bc");
  bar.comes("d");
  bar.pass(99ms);
  CHECK_FALSE(bar.queue.is_overloaded());
}

TEST_CASE("when the oldest has waited for the target, and that for as long again, the newest come first") {
  Bar bar(hundred_ms);
  bar.comes("a");
  bar.pass(100ms);
  bar.comes("b");
  bar.pass(50ms);
  bar.comes("c");
  bar.pass(49ms);
  CHECK_FALSE(bar.queue.is_overloaded());
  bar.pass(1ms);
  CHECK(bar.queue.is_overloaded());
  CHECK(bar.shed() == "ab");
  bar.comes("d");
  CHECK(bar.serve() == "d");
  CHECK(bar.serve() == "c");
}

TEST_CASE("who has waited for the target is shed under overload, and nobody before") {
  Bar bar(hundred_ms);
  bar.comes("a");
  bar.pass(100ms);
  bar.pass(100ms);
  bar.comes("b");
  CHECK(bar.shed() == "a");
  bar.pass(99ms);
  CHECK(bar.shed().empty());
  bar.pass(1ms);
  CHECK(bar.shed() == "b");
}

TEST_CASE("overload ends when the queue is empty") {
  Bar bar(hundred_ms);
  bar.comes("a");
  bar.pass(100ms);
  bar.pass(100ms);
  bar.comes("b");
  CHECK(bar.serve_all() == "ba");
  CHECK_FALSE(bar.queue.is_overloaded());
  bar.comes("c");
  bar.comes("d");
  CHECK(bar.serve_all() == "cd");
}

TEST_CASE("time in which nobody could be served is no overload") {
  Bar bar(hundred_ms);
  bar.comes("a");
  bar.pass(100ms);
  bar.queue.excuse();
  bar.pass(100ms);
  CHECK_FALSE(bar.queue.is_overloaded());
}

TEST_CASE("without a target nobody is shed") {
  Bar bar;
  bar.comes("a");
  bar.pass(1h);
  bar.pass(1h);
  CHECK_FALSE(bar.queue.is_overloaded());
  CHECK(bar.shed().empty());
}

TEST_CASE("who comes to a full queue is too much") {
  Bar bar({0ms, 2, FairBy::none});
  bar.comes("a");
  bar.comes("b");
  CHECK(bar.queue.surplus() == nullptr);
  Guest& last = bar.comes("c");
  CHECK(bar.queue.surplus() == &last);
  last.leave_queue();
  CHECK(bar.queue.surplus() == nullptr);
}

TEST_CASE("in a full queue a lower priority makes room for a higher") {
  Bar bar({0ms, 2, FairBy::none});
  bar.comes("l", Priority::low);
  Guest& low = bar.comes("m", Priority::low);
  bar.comes("h", Priority::high);
  CHECK(bar.queue.surplus() == &low);
}

TEST_CASE("in a full queue under overload the oldest makes room for the newest") {
  Bar bar({100ms, 2, FairBy::none});
  Guest& first = bar.comes("a");
  bar.comes("b");
  bar.pass(100ms);
  bar.pass(100ms);
  bar.comes("c");
  CHECK(bar.queue.surplus() == &first);
}

}  // namespace
}  // namespace ballast
