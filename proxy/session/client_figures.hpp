// ClientFigures: how a client stands, copied on its worker. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/pool_key.hpp"
#include "proxy/sql/statement_effect.hpp"

namespace ballast {

struct ClientFigures {
  // As PgBouncer names them.
  enum class State : std::uint8_t { login, idle, waiting, active, cancel };

  std::uint64_t id = 0;
  PoolKey key;  // no user: it has not said who it is
  State state = State::login;
  std::uint64_t server = 0;  // that it has; 0: none
  std::string application_name;
  std::size_t statements = 0;  // that it has prepared
  ResidueSet pins;
  TimePoint connected_at;
  TimePoint asked_at;  // last
  Duration wait{};     // for a server, up to now
  StreamFigures stream;
};

}  // namespace ballast
