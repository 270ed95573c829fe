#include "proxy/pool/wait_queue.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

namespace ballast {

void Waiter::leave_queue() {
  if (queue_ != nullptr) queue_->remove(*this);
}

bool WaitQueue::ByTurn::operator()(const WaitFlow* one, const WaitFlow* other) const {
  return std::tie(one->priority, one->turn, one->arrival) <
         std::tie(other->priority, other->turn, other->arrival);
}

WaitQueue::~WaitQueue() {
  while (!empty()) remove(arrivals_.front());
}

// A new one has its turn behind those that wait for their next: else who comes back after each answer would
// always be served at once.
WaitFlow& WaitQueue::flow_of(const Waiter& waiter) {
  std::string application_name;
  if (rules_.fair_by == FairBy::application_name) application_name = waiter.application_name();
  const auto [at, is_new] = flows_.try_emplace({waiter.priority(), application_name});
  WaitFlow& flow = at->second;
  if (is_new) {
    flow.priority = waiter.priority();
    flow.application_name = std::move(application_name);
    flow.turn = turn_ + 1;
    flow.arrival = ++last_arrival_;
    order_.insert(&flow);
  }
  return flow;
}

// Nearly always the last.
template <typename List>
void WaitQueue::insert(List& list, Waiter& waiter) {
  auto behind = list.end();
  while (behind != list.begin() && waiter.waiting_since_ < std::prev(behind)->waiting_since_) --behind;
  list.insert(behind, waiter);
}

void WaitQueue::push(Waiter& waiter, TimePoint now) {
  assert(!waiter.is_waiting());
  waiter.queue_ = this;
  waiter.flow_ = &flow_of(waiter);
  waiter.waiting_since_ = std::min(now, std::exchange(waiter.asks_since_, TimePoint::max()));
  insert(waiter.flow_->waiters, waiter);
  insert(arrivals_, waiter);
}

// The one who would be served last: of the lowest priority, and of those the newest, or under overload the
// oldest.
Waiter* WaitQueue::surplus() {
  if (rules_.length_max == 0 || size() <= static_cast<std::size_t>(rules_.length_max)) return nullptr;
  auto& last = (*order_.rbegin())->waiters;
  return is_overloaded_ ? &last.front() : &last.back();
}

Waiter& WaitQueue::next() {
  auto& first = (*order_.begin())->waiters;
  return is_overloaded_ ? first.back() : first.front();
}

void WaitQueue::serve(Waiter& waiter) {
  WaitFlow& flow = *waiter.flow_;
  order_.erase(&flow);
  turn_ = flow.turn++;
  flow.arrival = ++last_arrival_;
  order_.insert(&flow);
  remove(waiter);
}

void WaitQueue::remove(Waiter& waiter) {
  assert(waiter.queue_ == this);
  WaitFlow& flow = *waiter.flow_;
  flow.waiters.erase(flow.waiters.iterator_to(waiter));
  arrivals_.erase(arrivals_.iterator_to(waiter));
  waiter.queue_ = nullptr;
  waiter.flow_ = nullptr;
  if (flow.waiters.empty()) {
    order_.erase(&flow);
    flows_.erase({flow.priority, flow.application_name});
  }
  if (!empty()) return;
  is_overloaded_ = false;
  standing_since_.reset();
}

void WaitQueue::watch(TimePoint now) {
  if (rules_.target.count() == 0 || is_overloaded_) return;
  if (empty() || now - oldest().waiting_since() < rules_.target) return standing_since_.reset();
  if (!standing_since_) standing_since_ = now;
  is_overloaded_ = now - *standing_since_ >= rules_.target;
}

Waiter* WaitQueue::overdue(TimePoint now) {
  if (!is_overloaded_ || now - oldest().waiting_since() < rules_.target) return nullptr;
  return &oldest();
}

const Waiter& WaitQueue::oldest_but(std::size_t count) const {
  assert(count < size());
  return *std::next(arrivals_.begin(), static_cast<std::ptrdiff_t>(count));
}

}  // namespace ballast
