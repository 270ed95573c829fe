// StatementTable: every protocol-level prepared statement that clients of this worker hold, once per
// (text, parameter types), however many clients and names. A statement's number makes its name on the
// servers.
//
// One table per worker, one thread. Numbers are unique in the process, so that a server connection can change
// workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/sql/statement_effect.hpp"

namespace ballast {

class Statement {
 public:
  Statement(std::uint64_t id, std::string definition);
  std::uint64_t id() const { return id_; }
  // The body of its Parse behind the name: query text, zero byte, count and types of the parameters.
  std::string_view definition() const { return definition_; }
  // Of its query text on the session that executes it.
  const StatementEffect& effect() const { return effect_; }

 private:
  std::uint64_t id_;
  std::string definition_;
  StatementEffect effect_;
};

// A number for a statement, unique in the process; also for unnamed ones.
std::uint64_t next_statement_id();

// Shared by all clients that hold the statement under some name: the last one to let go may be any of them.
using StatementRef = std::shared_ptr<const Statement>;

// "ballast_17": what statement 17 is called on a server. The prefix is reserved: see is_server_name().
inline constexpr std::string_view server_name_prefix = "ballast_";
std::string server_name(std::uint64_t statement_id);
bool is_server_name(std::string_view name);

class StatementTable {
 public:
  // Statements that nobody holds any more stay known, up to this many, for clients that come back.
  explicit StatementTable(std::size_t idle_max = 2000) : idle_max_(idle_max) {}

  StatementRef intern(std::string_view definition);
  std::size_t size() const { return by_definition_.size(); }
  // Each, and how many names of clients mean it.
  void visit(const std::function<void(const Statement&, std::size_t holders)>& visitor) const;
  // Forgets what nobody holds, if there is too much of it. The janitor calls it.
  void sweep();

 private:
  std::size_t idle_max_;
  std::unordered_map<std::string_view, StatementRef> by_definition_;  // keys point into the statements
};

}  // namespace ballast
