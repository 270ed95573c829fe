// CheckLogin: one login as an ordinary client's, by libpq, with the times of its parts. Blocks; for commands
// that end.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/app/check_remedy.hpp"
#include "proxy/base/upstream_target.hpp"

struct pg_conn;

namespace ballast {

struct ConnectionFree {
  void operator()(pg_conn* connection) const;
};
using Connection = std::unique_ptr<pg_conn, ConnectionFree>;

struct Login {
  Connection connection;  // null: it has failed
  std::optional<ConnectError> failure;
  double tls_ms = 0;    // from SSLRequest to the end of the handshake
  double login_ms = 0;  // from the startup packet to ReadyForQuery
  // How long the server said nothing after the client's last word of its proof, and told the outcome: Neon's
  // proxy wakes the database in between (neondatabase/neon, proxy/src/sasl/stream.rs: it holds back its last
  // message of SCRAM until the database is there).
  double silence_ms = 0;
};

// What libpq is told, by keyword. `version` is PQlibVersion()'s: what an older one doesn't know is left out,
// and the system's roots are named by their file, which may be empty.
using LibpqParameters = std::vector<std::pair<std::string, std::string>>;
LibpqParameters libpq_parameters(const UpstreamTarget& target, int version, const std::string& system_roots);
// The file of the system's roots (OpenSSL's SSL_CERT_FILE, else where distributions have it); empty: none
// found.
std::string system_roots_file(const std::string& ssl_cert_file);

int libpq_version();

Login log_in(const LibpqParameters& parameters, std::chrono::milliseconds timeout);

// The first row of the answer; empty: the query has failed.
std::vector<std::string> ask(const Connection& connection, const std::string& query);

// Of the connection's TLS: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; empty: it has none.
std::string tls_attribute(const Connection& connection, const char* name);
void* tls_of(const Connection& connection);  // OpenSSL's SSL*; null: no TLS

}  // namespace ballast
