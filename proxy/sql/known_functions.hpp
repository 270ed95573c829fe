// What a call of a function by that name may do to its session, as far as PostgreSQL itself and its contrib
// modules go.
//
// Pure. The tables are made when this is compiled; a look-up hashes the name once.
#pragma once

#include <cstdint>
#include <string_view>

namespace ballast {

enum class FunctionKind : std::uint8_t {
  unknown,
  harmless,
  syntax,  // a key word in front of a parenthesis: IN (...), numeric(10, 2). Quoted or qualified it is a
           // function
  set_config,
  current_setting,
  advisory_lock,  // takes or gives back a lock of the session
  sequence_use,
  sequence_read,
  own_backend,  // tells of its backend, or acts on it
  runs_text,    // runs statements that it is given
  unseen,       // leaves what no query can ask for: the random seed, connections, slots, a backup under way
};

// `name` in any case, without a schema.
FunctionKind function_kind(std::string_view name);

}  // namespace ballast
