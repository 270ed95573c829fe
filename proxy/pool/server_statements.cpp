#include "proxy/pool/server_statements.hpp"

namespace ballast {

ServerStatements::Presence ServerStatements::look_up(std::uint64_t statement, std::uint64_t group,
                                                     std::uint64_t epoch) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return Presence::absent;
  const auto entry = found->second;
  if (entry->group != 0 && entry->group != group) return Presence::undecided;
  if (entry->epoch < epoch) return Presence::stale;
  entry->used_in = group;
  if (entry != order_.begin()) order_.splice(order_.begin(), order_, entry);
  return Presence::present;
}

void ServerStatements::preparing(std::uint64_t statement, std::uint64_t group, std::uint64_t epoch) {
  forget(statement);
  order_.push_front({statement, group, group, epoch});
  by_statement_.emplace(statement, order_.begin());
}

void ServerStatements::confirmed(std::uint64_t statement) {
  if (const auto found = by_statement_.find(statement); found != by_statement_.end())
    found->second->group = 0;
}

void ServerStatements::forget(std::uint64_t statement) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return;
  order_.erase(found->second);
  by_statement_.erase(found);
}

void ServerStatements::doubt(std::uint64_t statement) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return;
  found->second->group = 0;
  found->second->epoch = 0;
}

void ServerStatements::restore(std::uint64_t statement) {
  if (by_statement_.contains(statement)) return;
  order_.push_back({statement, 0, 0, 0});
  by_statement_.emplace(statement, std::prev(order_.end()));
}

std::optional<std::uint64_t> ServerStatements::victim(std::size_t limit, std::uint64_t group) const {
  if (order_.size() < limit || order_.empty()) return std::nullopt;
  const Entry& oldest = order_.back();
  if (oldest.group != 0 || oldest.used_in == group) return std::nullopt;
  return oldest.statement;
}

void ServerStatements::clear() {
  for (auto entry = order_.begin(); entry != order_.end();) {
    const auto present = entry++;
    if (present->group == 0) forget(present->statement);
  }
}

}  // namespace ballast
