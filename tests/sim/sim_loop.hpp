// SimLoop: a virtual clock and what is to happen when. A turn is like one of the reactor's: the clock moves,
// events that are due happen, streams that are ready are called in an order of chance, posted tasks run, the
// dead are buried.
//
// Time passes only between turns. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "proxy/io/world.hpp"

#include "tests/sim/dice.hpp"

namespace ballast::sim {

// An end of a stream, as the loop sees it.
class Source {
 public:
  virtual bool is_ready() const = 0;
  // Tells the listener. The source may be gone when this returns.
  virtual void call() = 0;

 protected:
  ~Source() = default;
};

class SimLoop final : public Loop {
 public:
  explicit SimLoop(Dice dice) : dice_(dice) {}
  ~SimLoop() override;

  TimePoint now() const override { return now_; }
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void bury(std::unique_ptr<Mortal> dead) override { buried_.push_back(std::move(dead)); }

  void at(TimePoint when, std::function<void()> event) {
    events_.push({when, ++last_event_, std::move(event)});
  }
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  // There is a turn at that time.
  void wake_at(TimePoint when) { at(when, nullptr); }

  void add(Source& source) { sources_.push_back(&source); }
  void remove(Source& source);
  // The source that is being told of its readiness has not been removed meanwhile.
  bool is_calling(const Source& source) const { return calling_ == &source; }

  // One turn, at the latest at `end`.
  void turn(TimePoint end);

 private:
  struct Event {
    TimePoint when;
    std::uint64_t number;  // events of one time happen in the order in which they were made
    std::function<void()> action;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.when != b.when ? a.when > b.when : a.number > b.number;
    }
  };

  bool is_busy() const;
  void happen();
  void call_sources();
  void run_tasks();
  void destroy_buried();

  Dice dice_;
  TimePoint now_{};
  std::uint64_t last_event_ = 0;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::vector<Source*> sources_;
  std::vector<Source*> ready_;
  Source* calling_ = nullptr;
  std::vector<std::function<void()>> tasks_;
  std::vector<std::unique_ptr<Mortal>> buried_;
};

}  // namespace ballast::sim
