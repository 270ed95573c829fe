#include "protocol/server_login.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast {
namespace {

// libpq's bound for one authentication request, and ours for all that a server says before it is ready: some
// twenty short parameters, a key, and notices of login triggers.
constexpr std::uint32_t max_authentication_length = 2000;
constexpr std::size_t max_login_size = 256 * 1024;
constexpr std::size_t max_parameters = 1000;

constexpr std::size_t md5_salt_size = 4;

struct Mechanisms {
  bool has_scram = false;
  bool has_scram_plus = false;
  bool is_complete = false;  // does the list end as it must?
};

Mechanisms read_mechanisms(std::string_view body) {
  Mechanisms mechanisms;
  Reader reader(body);
  for (;;) {
    const std::string_view name = reader.cstring();
    if (name.empty()) break;
    mechanisms.has_scram |= name == scram_mechanism;
    mechanisms.has_scram_plus |= name == scram_plus_mechanism;
  }
  mechanisms.is_complete = reader.finished();
  return mechanisms;
}

}  // namespace

ServerLogin::ServerLogin(ServerLoginRequest request, ScramKeyCache* keys_cache, Nonce fill_random)
    : request_(std::move(request)), keys_cache_(keys_cache), fill_random_(std::move(fill_random)) {
  assert(request_.is_tls || (!request_.tls_verified && request_.channel_binding.empty()));
}

// Whatever has ended a login that began with a guess, the guess may be why.
ServerLogin::~ServerLogin() {
  if (is_guess_unproved_) keys_cache_->mechanism.clear();
}

void ServerLogin::start(std::string& out) {
  assert(phase_ == Phase::start);
  write_startup_message(out, protocol_3_0, request_.parameters);
  phase_ = Phase::request;
  if (!may_guess()) return;
  send_first(keys_cache_->mechanism, out);
  phase_ = Phase::guessed;
  is_guess_unproved_ = true;
}

ServerLogin::Step ServerLogin::receive(std::string_view in, std::size_t& consumed, std::string& out) {
  assert(phase_ != Phase::start && phase_ != Phase::over);
  consumed = 0;
  Step step = Step::need_more;
  while (step == Step::need_more && in.size() >= header_size) {
    const Header header = read_header(in.data());
    const bool is_authentication = header.type == static_cast<char>(BackendType::authentication);
    if (!valid(header) || (is_authentication && header.length > max_authentication_length) ||
        header.total() > max_login_size - received_) {
      step = violation("message of an impossible length");
      break;
    }
    if (in.size() < header.total()) break;
    received_ += header.total();
    consumed += header.total();
    step = receive_message(header.type, in.substr(header_size, header.body_size()), out);
    in.remove_prefix(header.total());
  }
  if (step != Step::need_more) phase_ = Phase::over;
  return step;
}

ServerLogin::Step ServerLogin::receive_message(char type, std::string_view body, std::string& out) {
  switch (static_cast<BackendType>(type)) {
    case BackendType::authentication:
      return receive_authentication(body, out);
    case BackendType::error_response:
      return receive_error(body);
    case BackendType::notice_response:
      return Step::need_more;
    case BackendType::parameter_status:
      return receive_parameter(body);
    case BackendType::negotiate_protocol_version:
      return receive_version(body);
    case BackendType::backend_key_data:
      return receive_key(body);
    case BackendType::ready_for_query:
      return receive_ready(body);
    default:
      return violation("message of type " + std::to_string(static_cast<unsigned char>(type)));
  }
}

// Authentication

ServerLogin::Step ServerLogin::receive_authentication(std::string_view body, std::string& out) {
  Reader reader(body);
  const std::int32_t code = reader.int32();
  if (!reader.ok()) return violation("authentication request without a code");
  if (phase_ == Phase::guessed) return check_guess(code, reader.rest());
  if (code == static_cast<std::int32_t>(AuthenticationCode::ok)) return receive_ok();
  if (phase_ == Phase::scram && code == static_cast<std::int32_t>(AuthenticationCode::sasl_continue))
    return receive_scram(ScramStep::go_on, reader.rest(), out);
  if (phase_ == Phase::scram && code == static_cast<std::int32_t>(AuthenticationCode::sasl_final))
    return receive_scram(ScramStep::done, reader.rest(), out);
  if (phase_ != Phase::request) return violation("authentication request out of turn");

  const bool needs_binding = request_.channel_binding_policy == ChannelBindingPolicy::require;
  if (needs_binding && code != static_cast<std::int32_t>(AuthenticationCode::sasl))
    return fail(sqlstate::invalid_authorization,
                "channel_binding=require, but the server asks for authentication without it");
  switch (static_cast<AuthenticationCode>(code)) {
    case AuthenticationCode::cleartext_password:
      return send_password(out);
    case AuthenticationCode::md5_password:
      return send_md5(reader.rest(), out);
    case AuthenticationCode::sasl:
      return begin_scram(reader.rest(), out);
    default:
      return fail(sqlstate::feature_not_supported, "the server asks for authentication method " +
                                                       std::to_string(code) + ", which is not supported");
  }
}

ServerLogin::Step ServerLogin::receive_ok() {
  if (phase_ == Phase::scram)
    return violation("AuthenticationOk from a server that has not proved that it knows the password");
  if (phase_ == Phase::authenticated) return violation("AuthenticationOk for the second time");
  if (request_.channel_binding_policy == ChannelBindingPolicy::require && !is_bound_)
    return fail(sqlstate::invalid_authorization,
                "channel_binding=require, but the server let us in without it");
  phase_ = Phase::authenticated;
  return Step::need_more;
}

ServerLogin::Step ServerLogin::send_password(std::string& out) {
  if (!request_.tls_verified)
    return fail(sqlstate::invalid_authorization,
                "the server asks for the password in the clear, which is sent over verified TLS only");
  if (request_.password.empty())
    return fail(sqlstate::invalid_password, "the server asks for the password itself, which is not known");
  MessageWriter(out, FrontendType::password).cstring(request_.password);
  phase_ = Phase::answered;
  has_answered_ = true;
  return Step::need_more;
}

ServerLogin::Step ServerLogin::send_md5(std::string_view salt, std::string& out) {
  if (salt.size() != md5_salt_size) return violation("md5 salt of the wrong length");
  if (request_.password.empty() && request_.md5.empty())
    return fail(sqlstate::invalid_password, "the server asks for the password itself, which is not known");
  const std::string response = md5_response(
      request_.password.empty() ? request_.md5 : md5_secret(request_.password, request_.user), salt);
  if (response.empty())
    return fail(sqlstate::feature_not_supported,
                "the server asks for md5, which this machine's libcrypto refuses");
  MessageWriter(out, FrontendType::password).cstring(response);
  phase_ = Phase::answered;
  has_answered_ = true;
  return Step::need_more;
}

ServerLogin::Step ServerLogin::begin_scram(std::string_view mechanisms_list, std::string& out) {
  const Mechanisms offered = read_mechanisms(mechanisms_list);
  if (!offered.is_complete) return violation("list of SASL mechanisms without its end");
  if (offered.has_scram_plus && !request_.is_tls) return violation("SCRAM-SHA-256-PLUS offered without TLS");

  const bool is_bound = can_bind() && offered.has_scram_plus;
  if (request_.channel_binding_policy == ChannelBindingPolicy::require && !is_bound)
    return fail(sqlstate::invalid_authorization,
                can_bind() ? "channel_binding=require, but the server does not offer it"
                           : "channel_binding=require, but this connection has nothing to bind to");
  if (!is_bound && !offered.has_scram)
    return fail(sqlstate::feature_not_supported, "none of the server's SASL mechanisms is supported");
  send_first(is_bound ? scram_plus_mechanism : scram_mechanism, out);
  phase_ = Phase::scram;
  return Step::need_more;
}

bool ServerLogin::can_bind() const {
  return request_.channel_binding_policy != ChannelBindingPolicy::disable &&
         !request_.channel_binding.empty();
}

void ServerLogin::send_first(std::string_view mechanism, std::string& out) {
  is_bound_ = mechanism == scram_plus_mechanism;
  const auto flag = is_bound_    ? ScramClient::BindingFlag::in_use
                    : can_bind() ? ScramClient::BindingFlag::not_offered
                                 : ScramClient::BindingFlag::not_supported;
  scram_.emplace(ScramCredentials{request_.password, request_.keys}, flag, request_.channel_binding,
                 make_scram_nonce(fill_random_), keys_cache_);
  const std::string first = scram_->first();
  MessageWriter(out, FrontendType::password)
      .cstring(mechanism)
      .int32(static_cast<std::int32_t>(first.size()))
      .bytes(first);
}

// Only what would be chosen from a list that has both.
bool ServerLogin::may_guess() const {
  if (keys_cache_ == nullptr || keys_cache_->mechanism.empty()) return false;
  if (keys_cache_->mechanism == scram_plus_mechanism) return can_bind();
  return keys_cache_->mechanism == scram_mechanism && !can_bind();
}

ServerLogin::Step ServerLogin::check_guess(std::int32_t code, std::string_view mechanisms) {
  const Mechanisms offered = read_mechanisms(mechanisms);
  const bool is_offered = is_bound_ ? offered.has_scram_plus : offered.has_scram;
  if (code != static_cast<std::int32_t>(AuthenticationCode::sasl) || !is_offered) {
    has_guessed_wrong_ = true;
    return fail(sqlstate::invalid_authorization,
                "the server asks for another authentication than the last time");
  }
  if (!offered.is_complete) return violation("list of SASL mechanisms without its end");
  if (offered.has_scram_plus && !request_.is_tls) return violation("SCRAM-SHA-256-PLUS offered without TLS");
  phase_ = Phase::scram;
  return Step::need_more;
}

// `expected` is what SCRAM must come to by this message: a server may neither skip its proof nor go on behind
// it.
ServerLogin::Step ServerLogin::receive_scram(ScramStep expected, std::string_view message, std::string& out) {
  std::string answer;
  const ScramStep step = scram_->receive(message, answer);
  if (step == ScramStep::failed) {
    error_ = scram_->error();
    return Step::failed;
  }
  if (step != expected) return violation("SCRAM message out of turn");
  if (step == ScramStep::go_on) {
    MessageWriter(out, FrontendType::password).bytes(answer);
    has_answered_ = true;
    return Step::need_more;
  }
  phase_ = Phase::answered;
  is_guess_unproved_ = false;
  if (keys_cache_ != nullptr) keys_cache_->mechanism = is_bound_ ? scram_plus_mechanism : scram_mechanism;
  return Step::need_more;
}

// What follows AuthenticationOk

ServerLogin::Step ServerLogin::receive_parameter(std::string_view body) {
  Reader reader(body);
  const std::string_view name = reader.cstring();
  const std::string_view value = reader.cstring();
  if (!reader.finished()) return violation("malformed ParameterStatus");
  const auto known = std::find_if(parameters_.begin(), parameters_.end(),
                                  [name](const auto& parameter) { return parameter.first == name; });
  if (known != parameters_.end()) {
    known->second = value;
    return Step::need_more;
  }
  if (parameters_.size() == max_parameters) return violation("more parameters than can be true");
  parameters_.emplace_back(name, value);
  return Step::need_more;
}

ServerLogin::Step ServerLogin::receive_key(std::string_view body) {
  Reader reader(body);
  process_id_ = reader.int32();
  cancel_secret_ = reader.rest();
  const std::size_t size = cancel_secret_.size();
  if (phase_ != Phase::authenticated || size < min_cancel_secret || size > max_cancel_secret)
    return violation("malformed BackendKeyData");
  return Step::need_more;
}

ServerLogin::Step ServerLogin::receive_ready(std::string_view body) {
  if (phase_ != Phase::authenticated) return violation("ReadyForQuery before AuthenticationOk");
  if (body.size() != 1 || body.front() != static_cast<char>(TransactionStatus::idle))
    return violation("first ReadyForQuery of a server that is not idle");
  return Step::ready;
}

// We ask for 3.0 and no option, so there is nothing to negotiate; servers and proxies that say so all the
// same are let be, unless they mean another protocol.
ServerLogin::Step ServerLogin::receive_version(std::string_view body) {
  Reader reader(body);
  const std::int32_t version = reader.int32();
  // Some send the minor version alone, as the manual's wording suggests.
  const bool is_known = (version >> 16 == 3 || version >> 16 == 0) && version >= 0;
  if (!reader.ok() || !is_known || phase_ == Phase::authenticated)
    return violation("NegotiateProtocolVersion for another protocol");
  return Step::need_more;
}

ServerLogin::Step ServerLogin::receive_error(std::string_view body) {
  error_ = read_error(body);
  is_error_from_server_ = true;
  return Step::failed;
}

ServerLogin::Step ServerLogin::fail(std::string_view sqlstate, std::string message) {
  error_ = fatal(sqlstate, std::move(message));
  return Step::failed;
}

ServerLogin::Step ServerLogin::violation(std::string message) {
  return fail(sqlstate::protocol_violation, "the server broke the protocol: " + std::move(message));
}

}  // namespace ballast
