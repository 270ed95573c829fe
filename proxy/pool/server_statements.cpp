#include "proxy/pool/server_statements.hpp"

namespace ballast {

ServerStatements::Presence ServerStatements::look_up(std::uint64_t statement, std::uint64_t group,
                                                     std::uint64_t epoch) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return Presence::absent;
  const auto entry = found->second;
  if (entry->closing != 0) return entry->closing == group ? Presence::absent : Presence::undecided;
  if (entry->group != 0 && entry->group != group) return Presence::undecided;
  if (entry->epoch < epoch) return Presence::stale;
  entry->used_in = group;
  if (entry != order_.begin()) order_.splice(order_.begin(), order_, entry);
  return Presence::present;
}

void ServerStatements::preparing(std::uint64_t statement, std::uint64_t group, std::uint64_t epoch) {
  remove(statement);
  order_.push_front({statement, group, group, epoch, 0});
  by_statement_.emplace(statement, order_.begin());
}

void ServerStatements::confirmed(std::uint64_t statement) {
  if (const auto found = by_statement_.find(statement); found != by_statement_.end())
    found->second->group = 0;
}

void ServerStatements::remove(std::uint64_t statement) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return;
  order_.erase(found->second);
  by_statement_.erase(found);
}

bool ServerStatements::may_be_there(std::uint64_t statement, std::uint64_t group) const {
  const auto found = by_statement_.find(statement);
  return found != by_statement_.end() && found->second->closing != group;
}

void ServerStatements::closing(std::uint64_t statement, std::uint64_t group) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return;
  found->second->closing = group;
  order_.splice(order_.begin(), order_, found->second);  // no victim a second time
}

void ServerStatements::closed(std::uint64_t statement) {
  const auto found = by_statement_.find(statement);
  if (found != by_statement_.end() && found->second->closing != 0) remove(statement);
}

void ServerStatements::restore(std::uint64_t statement) {
  if (const auto found = by_statement_.find(statement); found != by_statement_.end())
    found->second->closing = 0;
}

void ServerStatements::doubt(std::uint64_t statement) {
  const auto found = by_statement_.find(statement);
  if (found == by_statement_.end()) return;
  found->second->group = 0;
  found->second->epoch = 0;
}

std::optional<std::uint64_t> ServerStatements::victim(std::size_t limit, std::uint64_t group) const {
  if (order_.size() < limit || order_.empty()) return std::nullopt;
  const Entry& oldest = order_.back();
  if (oldest.group != 0 || oldest.used_in == group || oldest.closing != 0) return std::nullopt;
  return oldest.statement;
}

void ServerStatements::clear() {
  for (auto entry = order_.begin(); entry != order_.end();) {
    const auto present = entry++;
    if (present->group == 0) remove(present->statement);
  }
}

}  // namespace ballast
