// Backend: a connection to the PostgreSQL behind the simulator, over its unix socket.
//
//   error = await backend.login(parameters)   nothing: it is in
//   rows = await backend.query("select ...")   or use socket() as it likes
//
// One thread; one coroutine at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/local/stream_protocol.hpp>

#include "protocol/pg_error.hpp"
#include "protocol/startup.hpp"

#include "tests/neon/coroutine.hpp"
#include "tests/neon/rules/cancel_map.hpp"

namespace ballast::neon {

using Rows = std::vector<std::vector<std::string>>;  // a null is an empty text

// Where the real PostgreSQL is, and as whom the simulator asks it on its own account.
struct Database {
  std::string socket_path;
  std::string superuser;
};

class Backend {
 public:
  using Socket = asio::local::stream_protocol::socket;

  explicit Backend(Executor executor) : socket_(executor) {}

  // The error is the server's own, or has SQLSTATE 08001: nobody listens, 08006: it hung up.
  Task<std::optional<PgError>> login(std::string socket_path, StartupParameters parameters);
  // Nothing: an error, or the connection is gone.
  Task<std::optional<Rows>> query(std::string sql);

  Socket& socket() { return socket_; }
  const StartupParameters& parameters() const { return parameters_; }  // ParameterStatus
  const CancelKey& cancel_key() const { return cancel_key_; }

 private:
  Socket socket_;
  StartupParameters parameters_;
  CancelKey cancel_key_;
};

// One statement on a connection of its own, as the superuser.
Task<std::optional<Rows>> ask(Database database, std::string sql);

// Delivers a CancelRequest.
Task<void> cancel(std::string socket_path, CancelKey key);

std::string quote_literal(std::string_view text);

}  // namespace ballast::neon
