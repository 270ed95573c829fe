// StatementEffect: what a text of SQL may do to its session, as far as the text shows. It decides whether the
// server is asked afterwards what is really left behind; so a false alarm costs a question, and a miss a
// client's state.
//
// What no text shows: triggers, defaults, operators, views and casts that call functions; a column `t.f` that
// is a call f(t); tables that become temporary because search_path begins with pg_temp; a function of one's
// own that shares its name with one of PostgreSQL's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ballast {

// What a statement may leave in its session, or take away.
enum class Residue : std::uint16_t {
  settings = 1 << 0,
  advisory_locks = 1 << 1,
  temp_objects = 1 << 2,
  hold_cursors = 1 << 3,
  prepared = 1 << 4,  // by PREPARE and DEALLOCATE; not by the protocol
  listening = 1 << 5,
  unseen = 1 << 6,         // LOAD: no audit can find it
  sequence_use = 1 << 7,   // nextval(), setval(): currval() and lastval() will answer from here
  sequence_read = 1 << 8,  // currval(), lastval()
  own_backend = 1 << 9,    // shows what its backend has been through; leaves nothing
  anything = 1 << 10,  // the text can't tell: DO, CALL, EXECUTE, functions that run text, what we can't read
  random_seed = 1 << 11,  // setseed(), SET seed: random() is foreseeable
};

class ResidueSet {
 public:
  constexpr ResidueSet() = default;
  constexpr ResidueSet(Residue residue) : bits_(static_cast<std::uint16_t>(residue)) {}

  constexpr bool has(Residue residue) const { return (bits_ & static_cast<std::uint16_t>(residue)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr ResidueSet& operator|=(ResidueSet other) {
    bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
    return *this;
  }
  constexpr ResidueSet& operator&=(ResidueSet other) {
    bits_ = static_cast<std::uint16_t>(bits_ & other.bits_);
    return *this;
  }
  constexpr ResidueSet& operator-=(ResidueSet other) {
    bits_ = static_cast<std::uint16_t>(bits_ & ~other.bits_);
    return *this;
  }
  friend constexpr ResidueSet operator|(ResidueSet left, ResidueSet right) { return left |= right; }
  friend constexpr ResidueSet operator&(ResidueSet left, ResidueSet right) { return left &= right; }
  friend constexpr ResidueSet operator-(ResidueSet left, ResidueSet right) { return left -= right; }
  constexpr bool operator==(const ResidueSet&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

constexpr ResidueSet operator|(Residue left, Residue right) { return ResidueSet(left) | right; }

// The whole text is one statement of transaction control, complete and well-formed.
enum class TransactionControl : std::uint8_t { none, begin, commit, rollback };

struct ChannelChange {
  enum class Kind : std::uint8_t { listen, unlisten, unlisten_all };
  Kind kind = Kind::listen;
  std::string channel;  // as the server knows it: folded, unquoted, cut to 63 bytes

  bool operator==(const ChannelChange&) const = default;
};

struct StatementEffect {
  // Must the server be asked what is left?
  ResidueSet residue;
  TransactionControl control = TransactionControl::none;
  // Does some statement begin, end or divide a transaction?
  bool has_control = false;
  bool is_empty = false;  // no statement at all
  bool is_single = true;  // at most one statement
  bool sets = false;      // a setting, to something other than its start
  // RESET ALL, DISCARD ALL
  bool resets_all = false;
  // Is there a set_config() or current_setting() whose first argument the text doesn't show?
  bool names_are_parameters = false;
  // Functions called, not known to be harmless: folded, `schema.name` if written so; each once. A text with
  // more than 64 of them counts as `anything`.
  std::vector<std::string> functions;
  // Settings with a dot in their names (an audit can't list those), in lower case; each once.
  std::vector<std::string> custom_settings;
  // Settings that go back to their start, in lower case.
  std::vector<std::string> resets;
  // The names of prepared statements that SQL's EXECUTE is to run, as the server knows them; each once.
  std::vector<std::string> executes;
  // LISTEN and UNLISTEN, in the order of the text.
  std::vector<ChannelChange> channels;

  // Nothing above but is_empty and is_single: the text may run anywhere and nobody need look after it.
  bool is_plain() const {
    return residue.empty() && !has_control && !names_are_parameters && functions.empty() &&
           custom_settings.empty() && resets.empty() && channels.empty();
  }
  // As if new, but keeps its memory.
  void clear() {
    functions.clear();
    custom_settings.clear();
    resets.clear();
    executes.clear();
    channels.clear();
    residue = {};
    control = TransactionControl::none;
    has_control = is_empty = sets = resets_all = names_are_parameters = false;
    is_single = true;
  }
  bool operator==(const StatementEffect&) const = default;
};

// The body of a Query, or the text of a Parse.
StatementEffect read_effect(std::string_view text);
void read_effect(std::string_view text, StatementEffect& effect);

// What most texts have: one statement, and nothing to look after.
inline const StatementEffect plain_effect;

}  // namespace ballast
