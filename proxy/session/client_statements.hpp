// ClientStatements: the protocol-level prepared statements of one client, as it believes them to be.
//
// A Parse or Close is believed when it is sent; answered() or discarded() tell, in the order of sending, how
// it ended, and a discarded one is undone. Pure, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/pool/statement_table.hpp"
#include "proxy/sql/statement_effect.hpp"

namespace ballast {

// What a statement does to its session; null where that is nothing. Shared with the undo of its definition.
using EffectRef = std::shared_ptr<const StatementEffect>;

class ClientStatements {
 public:
  struct Held {
    StatementRef statement;
    std::uint64_t epoch = 0;    // of the schema when the client parsed it
    std::uint32_t ordinal = 0;  // tells this name from others of the same statement, see name_of()
  };

  // Null: no such name.
  const Held* find(std::string_view name) const;
  // A Parse or Close of this name has been sent, and its answer has not come.
  bool is_undecided(std::string_view name) const;
  // What the name means depends on answers that are still to come: it had a meaning before what is under way.
  bool hangs_on_answers(std::string_view name) const;
  // Returns the ordinal of the definition.
  std::uint32_t define(std::string_view name, Held held);
  void close(std::string_view name);
  // It is gone for certain, whatever is undecided.
  void forget(std::string_view name);
  // The oldest undecided Parse or Close succeeded / failed or was skipped.
  void answered();
  void discarded();
  // DEALLOCATE ALL was done. What is undecided was sent behind it and stays.
  void clear();
  std::size_t size() const { return by_name_.size(); }
  // The name whose definition has that ordinal, also if a Close of it is under way; empty if it has ended.
  std::string name_of(std::uint32_t ordinal) const;

  // The unnamed statement: lives until the next Parse without a name, its Close, or the next simple query.
  // Each of these is believed when it is sent, too.
  struct Unnamed {
    std::uint64_t tag = 0;   // of its own for each Parse; 0: there is none
    std::string definition;  // to prepare it on another server; empty: too long to be kept
    EffectRef effect;        // null: it has none
  };
  const Unnamed& unnamed() const { return unnamed_; }
  bool is_unnamed_undecided() const { return !unnamed_before_.empty(); }
  void define_unnamed(std::uint64_t tag, std::string_view definition, EffectRef effect = {});
  void end_unnamed();
  // It ended at once: nothing was under way.
  void forget_unnamed() { unnamed_ = {}; }
  // The oldest undecided of these was answered; it was a Parse and failed: PostgreSQL drops the former
  // statement before it looks at the new text; it was skipped.
  void unnamed_answered();
  void unnamed_failed();
  void unnamed_skipped();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Change {
    std::string name;
    Held before;  // no statement: the name was free
  };

  void put(std::string_view name, Held held);
  void settle_unnamed(Unnamed result);

  std::unordered_map<std::string, Held, Hash, std::equal_to<>> by_name_;
  std::deque<Change> undecided_;  // oldest first
  std::uint32_t last_ordinal_ = 0;
  Unnamed unnamed_;
  std::deque<Unnamed>
      unnamed_before_;  // for each undecided Parse, Close or Query, oldest first: what was there
  std::string spare_;   // memory for the next definition: drivers send a Parse without a name per query
};

}  // namespace ballast
