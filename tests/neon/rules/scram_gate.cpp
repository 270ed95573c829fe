#include "tests/neon/rules/scram_gate.hpp"

#include <utility>

#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {
namespace {

// proxy/src/stream.rs, MAX_PASSWORD_LENGTH.
constexpr std::size_t max_password_message = 512;

void write_sasl(std::string& out, AuthenticationCode code, std::string_view data) {
  MessageWriter(out, BackendType::authentication).int32(static_cast<std::int32_t>(code)).bytes(data);
}

}  // namespace

ScramGate::ScramGate(ScramSecret secret, bool is_known, std::string channel_binding, std::string nonce)
    : secret_(std::move(secret)),
      is_known_(is_known),
      channel_binding_(std::move(channel_binding)),
      nonce_(std::move(nonce)) {}

void ScramGate::offer(std::string& out) const {
  MessageWriter list(out, BackendType::authentication);
  list.int32(static_cast<std::int32_t>(AuthenticationCode::sasl));
  if (!channel_binding_.empty()) list.cstring(scram_plus_mechanism);
  list.cstring(scram_mechanism).byte('\0');
}

ScramGate::Step ScramGate::receive(std::string_view body, std::string& out) {
  if (body.size() > max_password_message) return refuse(row::sasl_violation);
  std::string_view message = body;
  if (!scram_ && !begin(body, message)) return refuse(row::sasl_violation);
  std::string answer;
  switch (scram_->receive(message, answer)) {
    case ScramStep::go_on:
      write_sasl(out, AuthenticationCode::sasl_continue, answer);
      return Step::go_on;
    case ScramStep::done:
      if (!is_known_) return refuse(row::wrong_password);
      write_sasl(final_, AuthenticationCode::sasl_final, answer);
      return Step::done;
    case ScramStep::wrong_proof:
      return refuse(row::wrong_password);
    case ScramStep::failed:
      break;
  }
  return refuse(scram_->error());
}

// SASLInitialResponse: the mechanism, and the first message.
bool ScramGate::begin(std::string_view body, std::string_view& message) {
  Reader reader(body);
  const std::string_view mechanism = reader.cstring();
  const std::int32_t size = reader.int32();
  message = reader.rest();
  if (!reader.ok() || size < 0 || message.size() != static_cast<std::size_t>(size)) return false;
  const bool is_bound = mechanism == scram_plus_mechanism && !channel_binding_.empty();
  if (!is_bound && mechanism != scram_mechanism) return false;
  scram_.emplace(std::move(secret_),
                 is_bound ? ScramServer::Mechanism::with_binding : ScramServer::Mechanism::without_binding,
                 channel_binding_, std::move(nonce_));
  return true;
}

// What Neon says where ScramServer speaks as PostgreSQL does.
ScramGate::Step ScramGate::refuse(const PgError& error) {
  if (error.message.find("negotiation error") != std::string::npos) return refuse(row::plus_not_used);
  if (error.message.find("binding check failed") != std::string::npos) return refuse(row::wrong_binding);
  if (error.message.find("channel-binding type") != std::string::npos) return refuse(row::unknown_binding);
  return refuse(row::sasl_violation);
}

ScramGate::Step ScramGate::refuse(int row) {
  error_row_ = row;
  return Step::refused;
}

}  // namespace ballast::neon
