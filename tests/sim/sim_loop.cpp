#include "tests/sim/sim_loop.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/sim/heap.hpp"

namespace ballast::sim {

namespace {
// How long the work of one turn takes.
constexpr std::chrono::microseconds turn_min{1};
constexpr std::chrono::microseconds turn_max{40};
}  // namespace

SimLoop::~SimLoop() { destroy_buried(); }

void SimLoop::remove(Source& source) {
  std::erase(sources_, &source);
  std::replace(ready_.begin(), ready_.end(), &source, static_cast<Source*>(nullptr));
  if (calling_ == &source) calling_ = nullptr;
}

bool SimLoop::is_busy() const {
  return !tasks_.empty() || std::any_of(sources_.begin(), sources_.end(),
                                        [](const Source* source) { return source->is_ready(); });
}

void SimLoop::turn(TimePoint end) {
  TimePoint next = now_ + dice_.between(Duration(turn_min), Duration(turn_max));
  if (!is_busy()) next = events_.empty() ? end : std::max(next, events_.top().when);
  now_ = std::min(next, end);
  happen();
  call_sources();
  run_tasks();
  destroy_buried();
}

void SimLoop::happen() {
  while (!events_.empty() && events_.top().when <= now_) {
    const std::function<void()> action = events_.top().action;
    events_.pop();
    if (action) action();
  }
}

void SimLoop::call_sources() {
  ready_.clear();
  std::copy_if(sources_.begin(), sources_.end(), std::back_inserter(ready_),
               [](const Source* source) { return source->is_ready(); });
  for (std::size_t i = ready_.size(); i > 1; --i)
    std::swap(ready_[i - 1], ready_[dice_.between(std::size_t{0}, i - 1)]);
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    Source* const source = std::exchange(ready_[i], nullptr);
    if (source == nullptr) continue;  // removed in this turn
    calling_ = source;
    source->call();
    calling_ = nullptr;
  }
}

// Tasks that the tasks post are for the next turn.
void SimLoop::run_tasks() {
  const heap::Scope scope(heap::Owner::pooler);  // nobody else posts
  const auto tasks = std::exchange(tasks_, {});
  for (const auto& task : tasks) task();
}

// The dead may bury others.
void SimLoop::destroy_buried() {
  while (!buried_.empty()) std::exchange(buried_, {}).clear();
}

}  // namespace ballast::sim
