#include "protocol/scram.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "protocol/base64.hpp"
#include "protocol/digest.hpp"
#include "protocol/error_message.hpp"

namespace ballast {
namespace {

constexpr std::string_view binding_in_use = "p=tls-server-end-point";
constexpr std::size_t nonce_size = 18;

// The attributes of a message, front to back: "r=...,s=...,i=...".
class Attributes {
 public:
  explicit Attributes(std::string_view text) : rest_(text) {}

  // The value of the next attribute, if that is `name`.
  std::optional<std::string_view> take(char name) {
    if (rest_.size() < 2 || rest_[0] != name || rest_[1] != '=') return std::nullopt;
    const std::size_t end = std::min(rest_.find(','), rest_.size());
    const std::string_view value = rest_.substr(2, end - 2);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return value;
  }

 private:
  std::string_view rest_;
};

// RFC 5802, section 7: printable ASCII but for the comma.
bool is_nonce(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  assert(a.size() == b.size());
  std::string result;
  for (std::size_t i = 0; i < a.size(); ++i) result.push_back(static_cast<char>(a[i] ^ b[i]));
  return result;
}

}  // namespace

std::string make_scram_nonce(const std::function<void(std::span<char>)>& fill_random) {
  std::string random(nonce_size, '\0');
  fill_random(random);
  return encode_base64(random);
}

ScramServer::ScramServer(ScramSecret secret, Mechanism mechanism, std::string channel_binding,
                         std::string nonce)
    : secret_(std::move(secret)),
      mechanism_(mechanism),
      channel_binding_(std::move(channel_binding)),
      nonce_(std::move(nonce)) {
  assert(secret_.stored_key.size() == scram_key_size && secret_.server_key.size() == scram_key_size);
  assert(mechanism_ == Mechanism::without_binding || !channel_binding_.empty());
  assert(is_nonce(nonce_));
}

ScramStep ScramServer::receive(std::string_view message, std::string& out) {
  if (message.empty()) return malformed("The message is empty.");
  if (message.size() > max_scram_message_size) return malformed("The message is too long.");
  return first_messages_.empty() ? receive_first(message, out) : receive_final(message, out);
}

// client-first-message: gs2-cbind-flag "," [authzid] "," [reserved-mext ","] "n=" username ",r=" nonce
// [extensions]
ScramStep ScramServer::receive_first(std::string_view message, std::string& out) {
  const std::size_t flag_end = message.find(',');
  const std::size_t header_end = message.find(',', flag_end + 1);  // no first comma: no second one either
  if (header_end == std::string_view::npos) return malformed("Comma expected in client-first-message.");
  const std::string_view authorization_id = message.substr(flag_end + 1, header_end - flag_end - 1);
  const std::string_view bare = message.substr(header_end + 1);

  if (const ScramStep step = check_binding_flag(message.substr(0, flag_end)); step != ScramStep::go_on)
    return step;
  if (!authorization_id.empty())
    return fail(sqlstate::feature_not_supported,
                "client uses authorization identity, but it is not supported", {});
  if (bare.starts_with("m="))
    return fail(sqlstate::feature_not_supported, "client requires an unsupported SCRAM extension", {});

  Attributes attributes(bare);
  const auto user = attributes.take('n');  // the name in the startup packet counts, not this one
  const auto client_nonce = attributes.take('r');
  if (!user || !client_nonce) return malformed("User name or nonce missing in client-first-message.");
  if (!is_nonce(*client_nonce))
    return fail(sqlstate::protocol_violation, "non-printable characters in SCRAM nonce", {});

  gs2_header_ = message.substr(0, header_end + 1);
  nonce_.insert(0, *client_nonce);
  const std::string answer =
      "r=" + nonce_ + ",s=" + encode_base64(secret_.salt) + ",i=" + std::to_string(secret_.iterations);
  first_messages_ = std::string(bare) + "," + answer + ",";
  out += answer;
  return ScramStep::go_on;
}

ScramStep ScramServer::check_binding_flag(std::string_view flag) {
  const bool is_bound = mechanism_ == Mechanism::with_binding;
  if (flag == "n" || flag == "y") {
    if (is_bound)
      return malformed(
          "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding "
          "data.");
    // The client can bind and did not see that we can: the list of mechanisms was tampered with.
    if (flag == "y" && !channel_binding_.empty())
      return fail(sqlstate::invalid_authorization, "SCRAM channel binding negotiation error",
                  "The client supports SCRAM channel binding but thinks the server does not.  "
                  "However, this server does support channel binding.");
    return ScramStep::go_on;
  }
  if (!flag.starts_with("p=")) return malformed("Unexpected channel-binding flag.");
  if (!is_bound)
    return malformed(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel "
        "binding data.");
  if (flag != binding_in_use)
    return fail(sqlstate::protocol_violation, "unsupported SCRAM channel-binding type", {});
  return ScramStep::go_on;
}

// client-final-message: "c=" channel-binding ",r=" nonce ["," extensions] ",p=" proof
ScramStep ScramServer::receive_final(std::string_view message, std::string& out) {
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("Proof missing in client-final-message.");
  const std::string_view without_proof = message.substr(0, proof_at);
  Attributes attributes(without_proof);
  const auto binding_text = attributes.take('c');
  const auto nonce = attributes.take('r');
  if (!binding_text || !nonce) return malformed("Channel binding or nonce missing in client-final-message.");
  const auto binding = decode_base64(*binding_text);
  const auto proof = decode_base64(message.substr(proof_at + 3));
  if (!binding) return malformed("Malformed channel binding in client-final-message.");
  if (!proof || proof->size() != scram_key_size) return malformed("Malformed proof in client-final-message.");

  if (*nonce != nonce_)
    return fail(sqlstate::protocol_violation, "invalid SCRAM response", "Nonce does not match.");
  if (const ScramStep step = check_binding(*binding); step != ScramStep::go_on) return step;
  return verify(*proof, without_proof, out);
}

ScramStep ScramServer::check_binding(std::string_view binding) {
  if (mechanism_ == Mechanism::without_binding) {
    if (binding == gs2_header_) return ScramStep::go_on;
    return fail(sqlstate::protocol_violation,
                "unexpected SCRAM channel-binding attribute in client-final-message", {});
  }
  if (binding == gs2_header_ + channel_binding_) return ScramStep::go_on;
  return fail(sqlstate::invalid_authorization, "SCRAM channel binding check failed", {});
}

ScramStep ScramServer::verify(std::string_view proof, std::string_view message_without_proof,
                              std::string& out) {
  const std::string auth_message = first_messages_.append(message_without_proof);
  std::string client_key = exclusive_or(proof, hmac_sha256(secret_.stored_key, auth_message));
  if (!equal_in_constant_time(sha256(client_key), secret_.stored_key)) return ScramStep::wrong_proof;
  client_key_ = std::move(client_key);
  out.append("v=").append(encode_base64(hmac_sha256(secret_.server_key, auth_message)));
  return ScramStep::done;
}

ScramStep ScramServer::fail(std::string_view sqlstate, std::string message, std::string detail) {
  error_ = fatal(sqlstate, std::move(message));
  error_.detail = std::move(detail);
  return ScramStep::failed;
}

ScramStep ScramServer::malformed(std::string detail) {
  return fail(sqlstate::protocol_violation, "malformed SCRAM message", std::move(detail));
}

ScramClient::ScramClient(ScramCredentials credentials, BindingFlag flag, std::string_view channel_binding,
                         std::string nonce, ScramKeyCache* cache)
    : credentials_(std::move(credentials)),
      cache_(cache),
      nonce_(std::move(nonce)),
      // The server knows the user from the startup packet and ignores this name.
      first_bare_("n=,r=" + nonce_) {
  assert(is_nonce(nonce_));
  assert(flag != BindingFlag::in_use || !channel_binding.empty());
  gs2_header_ = flag == BindingFlag::in_use        ? std::string(binding_in_use) + ",,"
                : flag == BindingFlag::not_offered ? "y,,"
                                                   : "n,,";
  binding_ = gs2_header_;
  if (flag == BindingFlag::in_use) binding_ += channel_binding;
}

ScramStep ScramClient::receive(std::string_view message, std::string& out) {
  if (message.size() > max_scram_message_size)
    return fail(sqlstate::protocol_violation, "SCRAM message of the server is too long");
  return server_signature_.empty() ? receive_first(message, out) : receive_final(message);
}

// server-first-message: "r=" nonce ",s=" salt ",i=" iterations ["," extensions]
ScramStep ScramClient::receive_first(std::string_view message, std::string& out) {
  Attributes attributes(message);
  const auto nonce = attributes.take('r');
  const auto salt_text = attributes.take('s');
  const auto iterations_text = attributes.take('i');
  if (!nonce || !salt_text || !iterations_text)
    return fail(sqlstate::protocol_violation,
                "malformed SCRAM message: nonce, salt or iteration count missing");
  if (!is_nonce(*nonce) || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size())
    return fail(sqlstate::protocol_violation, "invalid SCRAM response: nonce mismatch");
  const auto salt = decode_base64(*salt_text);
  if (!salt || salt->empty())
    return fail(sqlstate::protocol_violation, "malformed SCRAM message: invalid salt");
  const auto iterations = parse_scram_iterations(*iterations_text);
  if (!iterations)
    return fail(sqlstate::protocol_violation, "SCRAM iteration count of the server is not within 1 to " +
                                                  std::to_string(max_scram_iterations));
  if (!find_keys(*salt, *iterations))
    return fail(sqlstate::invalid_password, "server asks for a password, but none is known");

  const std::string without_proof = "c=" + encode_base64(binding_) + ",r=" + std::string(*nonce);
  const std::string auth_message = first_bare_ + "," + std::string(message) + "," + without_proof;
  const std::string client_signature = hmac_sha256(sha256(keys_.client_key), auth_message);
  server_signature_ = hmac_sha256(keys_.server_key, auth_message);
  out += without_proof + ",p=" + encode_base64(exclusive_or(keys_.client_key, client_signature));
  return ScramStep::go_on;
}

// server-final-message: "v=" signature, or "e=" error
ScramStep ScramClient::receive_final(std::string_view message) {
  Attributes attributes(message);
  if (const auto error = attributes.take('e'))
    return fail(sqlstate::invalid_password, "server refused the SCRAM exchange: " + std::string(*error));
  const auto signature_text = attributes.take('v');
  const auto signature = decode_base64(signature_text.value_or("?"));
  if (!signature)
    return fail(sqlstate::protocol_violation, "malformed SCRAM message: invalid server signature");
  if (!equal_in_constant_time(*signature, server_signature_))
    return fail(sqlstate::invalid_authorization,
                "wrong SCRAM server signature: the server does not know the password");
  return ScramStep::done;
}

bool ScramClient::find_keys(const std::string& salt, int iterations) {
  if (credentials_.password.empty()) {
    keys_ = credentials_.keys;
  } else if (cache_ != nullptr && cache_->iterations == iterations && cache_->salt == salt) {
    keys_ = cache_->keys;
  } else {
    keys_ = derive_scram_keys(credentials_.password, salt, iterations);
    if (cache_ != nullptr) *cache_ = {salt, iterations, keys_, cache_->mechanism};
  }
  return keys_.client_key.size() == scram_key_size && keys_.server_key.size() == scram_key_size;
}

ScramStep ScramClient::fail(std::string_view sqlstate, std::string message) {
  error_ = fatal(sqlstate, std::move(message));
  return ScramStep::failed;
}

}  // namespace ballast
