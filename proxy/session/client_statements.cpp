#include "proxy/session/client_statements.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ballast {

namespace {
constexpr std::size_t spare_max = 1024;  // of the memory that a client without statements may hold
}  // namespace

const ClientStatements::Held* ClientStatements::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

bool ClientStatements::is_undecided(std::string_view name) const {
  return std::any_of(undecided_.begin(), undecided_.end(),
                     [name](const Change& change) { return change.name == name; });
}

bool ClientStatements::hangs_on_answers(std::string_view name) const {
  return std::any_of(undecided_.begin(), undecided_.end(), [name](const Change& change) {
    return change.name == name && change.before.statement != nullptr;
  });
}

void ClientStatements::put(std::string_view name, Held held) {
  const auto found = by_name_.find(name);
  if (held.statement == nullptr) {
    if (found != by_name_.end()) by_name_.erase(found);
  } else if (found != by_name_.end()) {
    found->second = std::move(held);
  } else {
    by_name_.emplace(std::string(name), std::move(held));
  }
}

std::uint32_t ClientStatements::define(std::string_view name, Held held) {
  held.ordinal = ++last_ordinal_;
  const auto found = by_name_.find(name);
  undecided_.push_back({std::string(name), found == by_name_.end() ? Held{} : found->second});
  put(name, std::move(held));
  return last_ordinal_;
}

void ClientStatements::close(std::string_view name) { define(name, {}); }

void ClientStatements::forget(std::string_view name) {
  put(name, {});
  for (Change& change : undecided_) {
    if (change.name == name) change.before = {};
  }
}

void ClientStatements::answered() {
  assert(!undecided_.empty());
  undecided_.pop_front();
}

void ClientStatements::discarded() {
  assert(!undecided_.empty());
  Change undone = std::move(undecided_.front());
  undecided_.pop_front();
  // A later change of the same name was made on top of this one: it is that one's past that changes.
  const auto later = std::find_if(undecided_.begin(), undecided_.end(),
                                  [&undone](const Change& change) { return change.name == undone.name; });
  if (later != undecided_.end()) {
    later->before = std::move(undone.before);
  } else {
    put(undone.name, std::move(undone.before));
  }
}

void ClientStatements::define_unnamed(std::uint64_t tag, std::string_view definition, EffectRef effect) {
  Unnamed defined{tag, std::move(spare_), std::move(effect)};
  defined.definition.assign(definition);
  unnamed_before_.push_back(std::exchange(unnamed_, std::move(defined)));
}

void ClientStatements::end_unnamed() { unnamed_before_.push_back(std::exchange(unnamed_, {})); }

void ClientStatements::unnamed_answered() {
  assert(is_unnamed_undecided());
  std::string& past = unnamed_before_.front().definition;
  if (past.capacity() <= spare_max) spare_ = std::move(past);
  unnamed_before_.pop_front();
}

void ClientStatements::unnamed_failed() { settle_unnamed({}); }

void ClientStatements::unnamed_skipped() {
  assert(is_unnamed_undecided());
  settle_unnamed(std::move(unnamed_before_.front()));
}

// What the oldest change has left behind is what was there before the next one.
void ClientStatements::settle_unnamed(Unnamed result) {
  assert(is_unnamed_undecided());
  unnamed_before_.pop_front();
  (unnamed_before_.empty() ? unnamed_ : unnamed_before_.front()) = std::move(result);
}

void ClientStatements::clear() {
  std::erase_if(by_name_, [this](const auto& entry) { return !is_undecided(entry.first); });
  for (Change& change : undecided_) change.before = {};
}

std::string ClientStatements::name_of(std::uint32_t ordinal) const {
  for (const auto& [name, held] : by_name_) {
    if (held.ordinal == ordinal) return name;
  }
  for (const Change& change : undecided_) {
    if (change.before.ordinal == ordinal) return change.name;
  }
  return {};
}

}  // namespace ballast
