// ServerFigures: how a server connection stands, copied on its worker. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/pool_key.hpp"

namespace ballast {

struct ServerFigures {
  // As PgBouncer names them; `rested`: it has to show that it is there before it is written to (its "used");
  // `listening`, which it has not: for all clients of its pool that listen (Notifications).
  enum class State : std::uint8_t { active, listening, idle, rested, tested, being_canceled };

  std::uint64_t id = 0;
  PoolKey key;
  State state = State::idle;
  bool is_retired = false;  // ends when it comes back
  std::int32_t process_id = 0;
  std::size_t statements = 0;  // prepared on it
  TimePoint connected_at;
  TimePoint since;  // of its state
  StreamFigures stream;
};

}  // namespace ballast
