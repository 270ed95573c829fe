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

#include <cstddef>
#include <functional>
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
  std::string password;  // in the clear; empty: not known
  std::string md5;       // "md5" + 32 hex digits; empty: not known
  // Given, or derived once from `password`. If a source leaves it out, PBKDF2 runs at every SCRAM login of
  // this user, and the time that takes shows that the user exists.
  std::optional<ScramSecret> scram;
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
  // What unknown users are told; it should be what most of the known ones have.
  int mock_iterations = default_scram_iterations;
};

class ClientLogin {
 public:
  enum class Step { need_more, start_tls, cancel, authenticated, failed, closed };
  using Nonce = std::function<void(std::span<char>)>;

  // `fill_random`: unpredictable bytes for nonces and salts.
  ClientLogin(ClientLoginPolicy policy, SecretSource& secrets, Nonce fill_random);

  // TLS is on: after start_tls, or from the first byte. `channel_binding`: tls-server-end-point data of our
  // certificate; `peer_common_name`: of the client's verified certificate, may be empty.
  void tls_started(std::string channel_binding, std::string peer_common_name);
  bool is_tls() const { return is_tls_; }
  Step receive(std::string_view in, std::size_t& consumed, std::string& out);

  const StartupMessage& startup() const { return startup_; }
  const CancelRequest& cancel_request() const { return cancel_request_; }
  const PgError& error() const { return error_; }
  // Why a login was refused. For the log alone: the client must not learn whether the user exists.
  const std::string& log_detail() const { return log_detail_; }
  // After a SCRAM login: the ClientKey that the client proved to have, which opens the server if its secret
  // is the same as ours. Empty otherwise.
  const std::string& client_key() const { return client_key_; }
  // The minor protocol version agreed on: 0 or 2. With 2 the client takes a cancel key longer than 4 bytes.
  int protocol_minor() const { return startup_.version >= protocol_3_2 ? 2 : 0; }

 private:
  // Which bytes are expected next.
  enum class Phase { startup, tls, password, md5_response, sasl_initial_response, sasl_response, over };

  Step receive_packet(std::string_view in, std::size_t& consumed, std::string& out);
  Step answer_ssl_request(std::string_view behind, std::string& out);
  Step answer_gssenc_request(std::string_view behind, std::string& out);
  Step begin(StartupMessage startup, std::string& out);
  Step begin_trust(const UserSecret* secret, std::string& out);
  Step begin_cert(const UserSecret* secret, std::string& out);
  Step begin_password(std::string& out);
  Step begin_md5(const UserSecret* secret, std::string& out);
  Step begin_scram(const UserSecret* secret, std::string& out);

  Step receive_message(std::string_view in, std::size_t& consumed, std::string& out);
  Step receive_password(std::string_view body, std::string& out);
  Step receive_sasl_initial_response(std::string_view body, std::string& out);
  Step receive_scram(std::string_view message, std::string& out);
  bool is_right_password(std::string_view password);

  Step finish(std::string& out);
  Step refuse(std::string& out);
  Step fail(PgError error, std::string& out);

  ClientLoginPolicy policy_;
  SecretSource& secrets_;
  Nonce fill_random_;

  Phase phase_ = Phase::startup;
  bool is_tls_ = false;              // is TLS on?
  bool is_ssl_answered_ = false;     // has an SSLRequest come?
  bool is_gssenc_answered_ = false;  // has a GSSENCRequest come?
  std::string channel_binding_;
  std::string peer_common_name_;

  StartupMessage startup_;
  CancelRequest cancel_request_;
  PgError error_;
  std::string log_detail_;
  std::string doom_;          // why this login can't succeed whatever the client sends; empty: it can
  std::string md5_expected_;  // the right md5 response
  ScramSecret scram_secret_;  // until the client has chosen its mechanism
  std::optional<ScramServer> scram_;
  std::string client_key_;
};

}  // namespace ballast
