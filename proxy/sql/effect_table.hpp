// EffectTable: the effects of texts, so that a long text that comes again is not read again.
//
// One per worker, one thread. Short texts are read each time, which is quicker than finding them. Long ones
// are kept from their second time on: most come once, with values in them. Bounded in bytes: the younger half
// of what is kept outlives the older.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/sql/statement_effect.hpp"

namespace ballast {

class EffectTable {
 public:
  explicit EffectTable(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Valid until the next call of of(). For a text without any effect it is `plain_effect` itself.
  const StatementEffect& of(std::string_view text);

  // Kept at present, about.
  std::size_t bytes() const { return young_.bytes + old_.bytes; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Generation {
    std::unordered_map<std::string, StatementEffect, Hash, std::equal_to<>> effects;
    std::size_t bytes = 0;
  };

  const StatementEffect& read(std::string_view text);
  const StatementEffect* kept(std::string_view text);
  const StatementEffect& keep(std::string_view text, const StatementEffect& effect);
  void make_room(std::size_t bytes);
  bool has_been_seen(std::string_view text);

  std::size_t bytes_max_;
  Generation young_;
  Generation old_;
  std::array<std::size_t, 256> seen_{};  // hashes of texts that came once, each in the slot that it says
  StatementEffect last_;                 // of a text that isn't kept
};

}  // namespace ballast
