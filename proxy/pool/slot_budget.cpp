#include "proxy/pool/slot_budget.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ballast {

namespace {

using namespace std::chrono_literals;

// Of what the database has for everybody. Neon's own pooler takes as much (neon.com/docs, "Connection
// pooling": default_pool_size is 0.9 of max_connections, 93 of 104).
constexpr int part_for_others = 20;
constexpr Duration first_pause = 1s;
constexpr Duration longest_pause = 1min;
constexpr Duration answer_due = 1min;

}  // namespace

bool SlotBudget::take_question(TimePoint now) {
  if (is_known_ || (asked_at_ && now - *asked_at_ < answer_due)) return false;
  asked_at_ = now;
  return true;
}

bool SlotBudget::learn(const ServerLimits& limits) {
  is_known_ = true;
  if (limits == limits_) return false;
  limits_ = limits;
  shrunk_to_ = 0;  // what was refused by another size says nothing of this one
  return true;
}

SlotBudget::Figures SlotBudget::figures() const {
  Figures figures;
  figures.limits = limits_;
  if (limits_.max_connections > 0) {
    const int for_all = std::max(1, limits_.max_connections - limits_.reserved);
    figures.for_others = std::min(std::max(1, for_all / part_for_others), for_all - 1);
    figures.without_refusals = for_all - figures.for_others;
  }
  figures.most = figures.without_refusals;
  if (shrunk_to_ > 0) figures.most = std::min(figures.most, shrunk_to_);
  return figures;
}

// Up to a quarter less, so that several that share a database don't grow together.
void SlotBudget::wait(TimePoint now) {
  const auto part = std::uniform_int_distribution<Duration::rep>(0, pause_.count() / 4)(random_);
  grow_at_ = now + pause_ - Duration(part);
}

bool SlotBudget::refused(TimePoint now, int connected, int wanted) {
  const bool is_first = shrunk_to_ == 0;
  pause_ = is_first ? first_pause : std::min(pause_ * 2, longest_pause);
  shrunk_from_ = is_first ? wanted : std::max(wanted, shrunk_from_);
  shrunk_to_ = std::max(1, connected);
  wait(now);
  return is_first;
}

bool SlotBudget::grow(TimePoint now) {
  if (shrunk_to_ == 0 || now < grow_at_) return false;
  ++shrunk_to_;
  wait(now);
  if (shrunk_to_ < std::min(shrunk_from_, figures().without_refusals)) return false;
  shrunk_to_ = 0;
  return true;
}

std::string to_text(const SlotBudget::Figures& figures) {
  return "max_connections " + std::to_string(figures.limits.max_connections) + ": " +
         std::to_string(figures.limits.reserved) + " reserved, " + std::to_string(figures.for_others) +
         " left for others";
}

}  // namespace ballast
