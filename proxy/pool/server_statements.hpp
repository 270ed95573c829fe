// ServerStatements: which shared statements are prepared on one server connection, least recently used first
// out.
//
// A Parse is believed at once and confirmed by its ParseComplete; until then it counts only for requests of
// the same group (Pipeline::group), because an earlier error of another group would have skipped it. Pure,
// one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

namespace ballast {

class ServerStatements {
 public:
  enum class Presence {
    absent,
    present,
    stale,      // parsed under an older schema than the client's own Parse of it
    undecided,  // its Parse or Close belongs to an earlier group whose answers are still to come
  };

  // Also marks it as just used. `epoch`: of the schema (Broker::schema_epoch) that it must have been parsed
  // under.
  Presence look_up(std::uint64_t statement, std::uint64_t group, std::uint64_t epoch);
  // Does a Parse of it in `group` need a Close before it? A Close of an earlier group may have been skipped.
  bool may_be_there(std::uint64_t statement, std::uint64_t group) const;
  // A Parse for it goes out in `group`.
  void preparing(std::uint64_t statement, std::uint64_t group, std::uint64_t epoch);
  void confirmed(std::uint64_t statement);
  // Its Close goes out in `group`; it was answered; it was skipped, so that the statement is still there.
  void closing(std::uint64_t statement, std::uint64_t group);
  void closed(std::uint64_t statement);
  void restore(std::uint64_t statement);
  // Its Parse failed or was skipped: whether it is there depends on what was skipped with it. It is stale for
  // all, so that the next Parse comes with a Close.
  void doubt(std::uint64_t statement);
  // The least recently used one that may be closed to make room in `group`, if there are `limit` or more.
  std::optional<std::uint64_t> victim(std::size_t limit, std::uint64_t group) const;

  // All but those whose Parse is under way: it was sent behind the command that dropped all.
  void clear();
  std::size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::uint64_t statement;
    std::uint64_t group;    // in which its Parse went out; 0: confirmed
    std::uint64_t used_in;  // the group that used it last
    std::uint64_t epoch;    // of the schema when it was parsed
    std::uint64_t closing;  // the group in which its Close went out; 0: none did
  };
  using Order = std::list<Entry>;

  void remove(std::uint64_t statement);

  Order order_;  // most recently used first
  std::unordered_map<std::uint64_t, Order::iterator> by_statement_;
};

}  // namespace ballast
