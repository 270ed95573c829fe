// ClientLogin: we are the backend. From a client's first byte to AuthenticationOk, without I/O.
//
//   step = login.receive(in, consumed, out)   whenever bytes came; write `out`; erase `consumed` from `in`
//     need_more      wait for bytes
//     start_tls      write `out` first, start TLS on the stream, then call tls_started() and go on reading
//     cancel         this connection carries cancel_request() and nothing else
//     authenticated  startup() names user, database and parameters; `out` ends with AuthenticationOk.
//                    ParameterStatus, BackendKeyData and ReadyForQuery are the caller's.
//     failed         write `out`, which ends with the ErrorResponse, and close; error() is for the log
//     closed         close without a word (bytes that are no PostgreSQL client's)
//
// Unknown users take the same steps, with a secret made from their name, as users with a wrong password
// (CVE-2015-6817 class). Not thread-safe; SecretSource must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/scram.hpp"
#include "protocol/startup.hpp"

namespace ballast {

enum class LoginMethod { trust, plain, md5, scram_sha_256, cert };

// What is known of a user's password. Which fields are set depends on how the operator wrote it down.
struct UserSecret {
  std::string password;              // in the clear; empty: not known
  std::string md5;                   // "md5" + 32 hex digits; empty: not known
  std::optional<ScramSecret> scram;  // given, or derived once from `password`
};

class SecretSource {
 public:
  // Null: no such user. The pointer is used before the call that asked returns.
  virtual const UserSecret* find(std::string_view user) = 0;

 protected:
  ~SecretSource() = default;
};

struct ClientLoginPolicy {
  LoginMethod method = LoginMethod::scram_sha_256;
  bool tls_offered = false;   // SSLRequest is answered with S
  bool tls_required = false;  // a StartupMessage without TLS is refused, except on a unix socket
  bool is_unix_socket = false;
  std::string mock_key;  // secret of this process, from which unknown users' salts are made
};

class ClientLogin {
 public:
  enum class Step { need_more, start_tls, cancel, authenticated, failed, closed };
  using Nonce = std::function<void(std::span<char>)>;

  ClientLogin(const ClientLoginPolicy& policy, SecretSource& secrets, Nonce nonce);
  ~ClientLogin();

  // TLS is on: after start_tls, or from the first byte. `channel_binding`: tls-server-end-point data of our
  // certificate; `peer_common_name`: of the client's verified certificate, may be empty.
  void tls_started(std::string channel_binding, std::string peer_common_name);
  Step receive(std::string_view in, std::size_t& consumed, std::string& out);

  const StartupMessage& startup() const;
  const CancelRequest& cancel_request() const;
  const PgError& error() const;
  // After a SCRAM login: the ClientKey that the client proved to have, which opens the server if its secret is the
  // same as ours. Empty otherwise.
  const std::string& client_key() const;
  // The minor protocol version agreed on: 0 or 2. With 2 the client takes a cancel key longer than 4 bytes.
  int protocol_minor() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ballast
