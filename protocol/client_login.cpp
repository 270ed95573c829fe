#include "protocol/client_login.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

#include "protocol/digest.hpp"
#include "protocol/error_message.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast {
namespace {

// PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH. SASL messages are bounded by max_scram_message_size.
constexpr std::uint32_t max_password_message_length = 65535;
constexpr std::size_t md5_salt_size = 4;

PgError stuffed(std::string_view request) {
  PgError error = fatal(sqlstate::protocol_violation,
                        "received unencrypted data after " + std::string(request) + " request");
  error.detail =
      "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.";
  return error;
}

void write_authentication(std::string& out, AuthenticationCode code, std::string_view data) {
  MessageWriter(out, BackendType::authentication).int32(static_cast<std::int32_t>(code)).bytes(data);
}

void write_negotiate_protocol_version(std::string& out, std::int32_t version,
                                      const std::vector<std::string>& unknown_options) {
  MessageWriter message(out, BackendType::negotiate_protocol_version);
  message.int32(version).int32(static_cast<std::int32_t>(unknown_options.size()));
  for (const std::string& option : unknown_options) message.cstring(option);
}

std::string quoted_name(std::string_view user) { return "\"" + std::string(user) + "\""; }

}  // namespace

ClientLogin::ClientLogin(ClientLoginPolicy policy, SecretSource& secrets, Nonce fill_random)
    : policy_(std::move(policy)), secrets_(secrets), fill_random_(std::move(fill_random)) {}

void ClientLogin::tls_started(std::string channel_binding, std::string peer_common_name) {
  assert(!is_tls_ && (phase_ == Phase::tls || phase_ == Phase::startup));
  is_tls_ = true;
  channel_binding_ = std::move(channel_binding);
  peer_common_name_ = std::move(peer_common_name);
  phase_ = Phase::startup;
}

ClientLogin::Step ClientLogin::receive(std::string_view in, std::size_t& consumed, std::string& out) {
  assert(phase_ != Phase::over && phase_ != Phase::tls);
  consumed = 0;
  for (;;) {
    std::size_t size = 0;
    const Step step =
        phase_ == Phase::startup ? receive_packet(in, size, out) : receive_message(in, size, out);
    consumed += size;
    in.remove_prefix(size);
    if (step == Step::need_more && size > 0) continue;
    if (step != Step::need_more && step != Step::start_tls) phase_ = Phase::over;
    return step;
  }
}

// Startup packets and what they lead to.

ClientLogin::Step ClientLogin::receive_packet(std::string_view in, std::size_t& consumed, std::string& out) {
  StartupPacket packet = read_startup_packet(in, consumed);
  const std::string_view behind = in.substr(consumed);
  if (std::holds_alternative<StartupIncomplete>(packet)) return Step::need_more;
  if (std::holds_alternative<SslRequest>(packet)) return answer_ssl_request(behind, out);
  if (std::holds_alternative<GssEncRequest>(packet)) return answer_gssenc_request(behind, out);
  if (auto* startup = std::get_if<StartupMessage>(&packet)) return begin(std::move(*startup), out);
  if (auto* error = std::get_if<PgError>(&packet)) return fail(std::move(*error), out);
  if (auto* request = std::get_if<CancelRequest>(&packet)) {
    cancel_request_ = std::move(*request);
    return Step::cancel;
  }
  error_ = fatal(sqlstate::protocol_violation, "invalid length of startup packet");
  return Step::closed;
}

// Bytes behind a request for encryption came before there was any: whoever sits in between put them there, to
// be read as if they were the client's encrypted ones (CVE-2021-3935, CVE-2021-23214).
ClientLogin::Step ClientLogin::answer_ssl_request(std::string_view behind, std::string& out) {
  if (is_tls_ || is_ssl_answered_) return fail(unsupported_protocol(ssl_request_code), out);
  if (!behind.empty()) return fail(stuffed("SSL"), out);
  is_ssl_answered_ = true;
  if (!policy_.tls_offered || policy_.is_unix_socket) {
    out.push_back('N');
    return Step::need_more;
  }
  out.push_back('S');
  phase_ = Phase::tls;
  return Step::start_tls;
}

ClientLogin::Step ClientLogin::answer_gssenc_request(std::string_view behind, std::string& out) {
  if (is_tls_ || is_gssenc_answered_) return fail(unsupported_protocol(gssenc_request_code), out);
  if (!behind.empty()) return fail(stuffed("GSSAPI encryption"), out);
  is_gssenc_answered_ = true;
  out.push_back('N');
  return Step::need_more;
}

ClientLogin::Step ClientLogin::begin(StartupMessage startup, std::string& out) {
  startup_ = std::move(startup);
  if (startup_.version > protocol_3_2 || !startup_.unknown_options.empty())
    write_negotiate_protocol_version(out, std::min(startup_.version, protocol_3_2), startup_.unknown_options);
  if (policy_.tls_required && !is_tls_ && !policy_.is_unix_socket) {
    PgError error = fatal(sqlstate::invalid_authorization, "this server requires TLS");
    error.hint = "Connect with sslmode=require or stronger.";
    return fail(std::move(error), out);
  }
  const UserSecret* secret = secrets_.find(startup_.user);
  if (secret == nullptr) doom_ = "no such user: " + quoted_name(startup_.user);
  switch (policy_.method) {
    case LoginMethod::trust:
      return begin_trust(secret, out);
    case LoginMethod::cert:
      return begin_cert(secret, out);
    case LoginMethod::plain:
      return begin_password(out);
    case LoginMethod::md5:
      return begin_md5(secret, out);
    case LoginMethod::scram_sha_256:
      return begin_scram(secret, out);
  }
  assert(false);
  return Step::failed;
}

ClientLogin::Step ClientLogin::begin_trust(const UserSecret* secret, std::string& out) {
  if (secret != nullptr) return finish(out);
  return fail(
      fatal(sqlstate::invalid_authorization, "role " + quoted_name(startup_.user) + " does not exist"), out);
}

ClientLogin::Step ClientLogin::begin_cert(const UserSecret* secret, std::string& out) {
  if (peer_common_name_.empty())
    return fail(fatal(sqlstate::invalid_authorization, "connection requires a valid client certificate"),
                out);
  if (secret != nullptr && peer_common_name_ == startup_.user) return finish(out);
  log_detail_ = doom_.empty() ? "the client's certificate is of " + quoted_name(peer_common_name_) : doom_;
  return fail(fatal(sqlstate::invalid_authorization,
                    "certificate authentication failed for user " + quoted_name(startup_.user)),
              out);
}

ClientLogin::Step ClientLogin::begin_password(std::string& out) {
  if (!is_tls_ && !policy_.is_unix_socket) {
    PgError error = fatal(sqlstate::invalid_authorization, "passwords in the clear are taken over TLS only");
    error.hint = "Connect with sslmode=require or stronger.";
    return fail(std::move(error), out);
  }
  write_authentication(out, AuthenticationCode::cleartext_password, {});
  phase_ = Phase::password;
  return Step::need_more;
}

ClientLogin::Step ClientLogin::begin_md5(const UserSecret* secret, std::string& out) {
  std::string stored;
  if (secret == nullptr)
    stored = md5_secret(policy_.mock_key, startup_.user);
  else if (!secret->md5.empty())
    stored = secret->md5;
  else if (!secret->password.empty())
    stored = md5_secret(secret->password, startup_.user);
  else
    return begin_scram(secret, out);  // as PostgreSQL does where the secret is a SCRAM one

  std::string salt(md5_salt_size, '\0');
  fill_random_(salt);
  md5_expected_ = md5_response(stored, salt);
  if (md5_expected_.empty()) doom_ = "no md5 secret, or libcrypto refuses MD5";
  write_authentication(out, AuthenticationCode::md5_password, salt);
  phase_ = Phase::md5_response;
  return Step::need_more;
}

ClientLogin::Step ClientLogin::begin_scram(const UserSecret* secret, std::string& out) {
  if (secret != nullptr && secret->scram) {
    scram_secret_ = *secret->scram;
  } else if (secret != nullptr && !secret->password.empty()) {
    const std::string salt = mock_scram_salt(policy_.mock_key, startup_.user);
    scram_secret_ = make_scram_secret(secret->password, salt, policy_.mock_iterations);
  } else {
    scram_secret_ = mock_scram_secret(policy_.mock_key, startup_.user, policy_.mock_iterations);
    if (doom_.empty()) doom_ = "user " + quoted_name(startup_.user) + " has no secret that SCRAM could use";
  }
  std::string mechanisms;
  if (!channel_binding_.empty()) mechanisms.append(scram_plus_mechanism).push_back('\0');
  mechanisms.append(scram_mechanism).append(2, '\0');
  write_authentication(out, AuthenticationCode::sasl, mechanisms);
  phase_ = Phase::sasl_initial_response;
  return Step::need_more;
}

// What the client sends to prove who it is.

ClientLogin::Step ClientLogin::receive_message(std::string_view in, std::size_t& consumed, std::string& out) {
  if (in.size() < header_size) return Step::need_more;
  const Header header = read_header(in.data());
  const bool is_sasl = phase_ == Phase::sasl_initial_response || phase_ == Phase::sasl_response;
  if (header.type != static_cast<char>(FrontendType::password)) {
    const auto code = std::to_string(static_cast<unsigned char>(header.type));
    return fail(
        fatal(sqlstate::protocol_violation, std::string("expected ") + (is_sasl ? "SASL" : "password") +
                                                " response, got message type " + code),
        out);
  }
  const std::uint32_t max_length = is_sasl ? max_scram_message_size : max_password_message_length;
  if (!valid(header) || header.length > max_length)
    return fail(fatal(sqlstate::protocol_violation, "invalid message length"), out);
  if (in.size() < header.total()) return Step::need_more;
  consumed = header.total();
  const std::string_view body = in.substr(header_size, header.body_size());
  if (phase_ == Phase::sasl_initial_response) return receive_sasl_initial_response(body, out);
  if (phase_ == Phase::sasl_response) return receive_scram(body, out);
  return receive_password(body, out);
}

ClientLogin::Step ClientLogin::receive_password(std::string_view body, std::string& out) {
  Reader reader(body);
  const std::string_view password = reader.cstring();
  if (!reader.finished())
    return fail(fatal(sqlstate::protocol_violation, "invalid password packet size"), out);
  if (password.empty())
    return fail(fatal(sqlstate::invalid_password, "empty password returned by client"), out);
  const bool is_right = phase_ == Phase::password ? is_right_password(password)
                                                  : equal_in_constant_time(password, md5_expected_);
  return is_right && doom_.empty() ? finish(out) : refuse(out);
}

// Runs PBKDF2 for everybody, so that the time it takes tells nothing about the user.
bool ClientLogin::is_right_password(std::string_view password) {
  const UserSecret* secret = secrets_.find(startup_.user);
  const bool has_scram = secret != nullptr && secret->scram;
  const ScramSecret scram = has_scram
                                ? *secret->scram
                                : mock_scram_secret(policy_.mock_key, startup_.user, policy_.mock_iterations);
  const bool is_scram_password = scram_secret_matches(scram, password);
  if (secret == nullptr) return false;
  if (has_scram) return is_scram_password;
  if (!secret->password.empty()) return equal_in_constant_time(password, secret->password);
  return !secret->md5.empty() && equal_in_constant_time(md5_secret(password, startup_.user), secret->md5);
}

ClientLogin::Step ClientLogin::receive_sasl_initial_response(std::string_view body, std::string& out) {
  Reader reader(body);
  const std::string_view mechanism = reader.cstring();
  const std::int32_t size = reader.int32();
  const std::string_view message = reader.rest();
  const bool has_message = size != -1;
  if (!reader.ok() || size < -1 || message.size() != (has_message ? static_cast<std::size_t>(size) : 0))
    return fail(fatal(sqlstate::protocol_violation, "invalid message format"), out);

  const bool is_plus = mechanism == scram_plus_mechanism && !channel_binding_.empty();
  if (!is_plus && mechanism != scram_mechanism)
    return fail(
        fatal(sqlstate::protocol_violation, "client selected an invalid SASL authentication mechanism"), out);
  scram_.emplace(std::move(scram_secret_),
                 is_plus ? ScramServer::Mechanism::with_binding : ScramServer::Mechanism::without_binding,
                 channel_binding_, make_scram_nonce(fill_random_));
  phase_ = Phase::sasl_response;
  if (has_message) return receive_scram(message, out);
  // RFC 4422, section 3: an empty challenge asks for the response that the client kept back.
  write_authentication(out, AuthenticationCode::sasl_continue, {});
  return Step::need_more;
}

ClientLogin::Step ClientLogin::receive_scram(std::string_view message, std::string& out) {
  std::string answer;
  const ScramStep step = scram_->receive(message, answer);
  if (step == ScramStep::failed) return fail(scram_->error(), out);
  if (step == ScramStep::go_on) {
    write_authentication(out, AuthenticationCode::sasl_continue, answer);
    return Step::need_more;
  }
  if (step == ScramStep::wrong_proof || !doom_.empty()) return refuse(out);
  write_authentication(out, AuthenticationCode::sasl_final, answer);
  client_key_ = scram_->client_key();
  return finish(out);
}

ClientLogin::Step ClientLogin::finish(std::string& out) {
  write_authentication(out, AuthenticationCode::ok, {});
  return Step::authenticated;
}

ClientLogin::Step ClientLogin::refuse(std::string& out) {
  log_detail_ = doom_.empty() ? "wrong password" : doom_;
  return fail(fatal(sqlstate::invalid_password,
                    "password authentication failed for user " + quoted_name(startup_.user)),
              out);
}

ClientLogin::Step ClientLogin::fail(PgError error, std::string& out) {
  error_ = std::move(error);
  write_error(out, error_);
  return Step::failed;
}

}  // namespace ballast
