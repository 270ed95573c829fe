#include "proxy/pool/statement_table.hpp"

#include <atomic>

namespace ballast {

std::uint64_t next_statement_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

Statement::Statement(std::uint64_t id, std::string definition)
    : id_(id),
      definition_(std::move(definition)),
      effect_(read_effect(std::string_view(definition_).substr(0, definition_.find('\0')))) {}

std::string server_name(std::uint64_t statement_id) {
  return std::string(server_name_prefix) + std::to_string(statement_id);
}

bool is_server_name(std::string_view name) { return name.starts_with(server_name_prefix); }

StatementRef StatementTable::intern(std::string_view definition) {
  if (const auto known = by_definition_.find(definition); known != by_definition_.end()) return known->second;
  auto statement = std::make_shared<const Statement>(next_statement_id(), std::string(definition));
  by_definition_.emplace(statement->definition(), statement);
  return statement;
}

void StatementTable::visit(const std::function<void(const Statement&, std::size_t)>& visitor) const {
  for (const auto& [definition, statement] : by_definition_)
    visitor(*statement, static_cast<std::size_t>(statement.use_count()) - 1);
}

void StatementTable::sweep() {
  if (by_definition_.size() <= idle_max_) return;
  std::erase_if(by_definition_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace ballast
