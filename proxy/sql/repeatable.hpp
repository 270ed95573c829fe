// Repeatable: may a text whose answer was lost be run again, and nobody notice? Asked only then, so not
// cached. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace ballast {

enum class Repeatable : std::uint8_t {
  never,      // ends or begins transactions, or does what no rollback takes back: CALL, VACUUM, dblink()
  if_undone,  // writes, all of it in the transaction: provided that this was rolled back
  always,     // reads, or takes its session to a state that ends with the server anyway
};

// Views and operators are taken at their word: that they hide no function which writes.
Repeatable repeatable(std::string_view sql);

}  // namespace ballast
