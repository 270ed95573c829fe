// The state that a client's session has on its server: what its statements may leave there is asked for
// behind its transactions; what can travel goes with the client, what can't keeps the two together.
#include <array>
#include <utility>

#include "protocol/reader.hpp"

#include "proxy/base/log.hpp"
#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

constexpr std::size_t bind_max = 64 * 1024;  // of a Bind whose values may name custom settings

bool is_custom_name(std::string_view text) {
  constexpr std::size_t name_max = 128;
  return text.size() <= name_max && text.find('.') != std::string_view::npos && is_parameter_name(text);
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

}  // namespace

bool ClientSession::is_kept_apart() const {
  return pool_->settings().pool_mode != PoolMode::session &&
         pool_->settings().session_fidelity == SessionFidelity::full;
}

void ClientSession::note(const StatementEffect& effect) {
  ResidueSet kinds = effect.residue;
  if (!effect.functions.empty()) kinds |= Residue::anything;
  for (const std::string& name : effect.custom_settings) {
    if (!pool_->learn_custom_setting(name)) kinds |= Residue::unseen;
  }
  server_->suspect(kinds);
  if (kinds.has(Residue::sequence_use) || kinds.has(Residue::sequence_read) ||
      kinds.has(Residue::own_backend))
    claim();
}

// Server of mine, stay mine if you can.
void ClientSession::claim() {
  claimant_ = id_;
  server_->claim(id_);
}

// Whoever changes the schema is about to try what became of it, and that goes through caches of the backend.
void ClientSession::on_schema_changed() {
  if (is_kept_apart()) claim();
}

const StatementEffect& ClientSession::effect_ahead(FrontendType type, std::string_view message) {
  Reader reader(message.substr(header_size));
  std::string_view text = reader.cstring();
  switch (type) {
    case FrontendType::parse:
      text = reader.cstring();
      [[fallthrough]];
    case FrontendType::query:
      return reader.ok() ? context_.effects().of(text) : plain_effect;
    case FrontendType::bind: {
      const std::string_view name = reader.cstring();
      const ClientStatements::Held* const held =
          statements_ && !name.empty() ? statements_->find(name) : nullptr;
      if (held != nullptr) return held->statement->effect();
      const bool is_unnamed = statements_ && name.empty() && statements_->unnamed().effect != nullptr;
      return is_unnamed ? *statements_->unnamed().effect : plain_effect;
    }
    default:
      return plain_effect;
  }
}

// A client that has claimed a server and finds it again sees there what it has left. One that has none, and
// would see what others have left, is to get a server that nobody has had.
bool ClientSession::look_ahead(FrontendType type, std::string_view message) {
  if (!is_kept_apart()) return false;
  const StatementEffect& effect = effect_ahead(type, message);
  is_plain_ = type == FrontendType::query && &effect == &plain_effect;
  wants_fresh_ = claimant_ == 0 && effect.residue.has(Residue::own_backend);
  return reads_sequences_ = effect.residue.has(Residue::sequence_read);
}

// What others have left there of currval() and lastval() must not be read. That leaves PostgreSQL's own
// error.
void ClientSession::meet_sequences() {
  if (server_->claimant() != id_) server_->forget_sequences();
}

bool ClientSession::note_bind(const StatementEffect& effect, const Header& header, std::string_view message) {
  if (!is_kept_apart()) return true;
  if (effect.names_are_parameters) {
    if (message.size() < header.total() && header.total() <= bind_max) return false;
    learn_names(message.substr(header_size));
  }
  note(effect);
  // Another statement of the batch may be a COPY, which our own query must not run into: the audit mends it.
  to_restore_ = to_restore_.empty() ? values_reset_by(effect) : ReportedParameters{};
  return true;
}

// set_config($1, $2, false): the names of custom settings are among the values.
void ClientSession::learn_names(std::string_view bind) {
  Reader reader(bind);
  reader.cstring();
  reader.cstring();
  for (int formats = reader.int16(); formats > 0 && reader.ok(); --formats) reader.int16();
  for (int values = reader.int16(); values > 0 && reader.ok(); --values) {
    const std::int32_t length = reader.int32();
    if (length <= 0) continue;
    const std::string_view value = reader.bytes(static_cast<std::size_t>(length));
    if (is_custom_name(value) && !pool_->learn_custom_setting(lower_case(value)))
      server_->suspect(Residue::unseen);
  }
}

ReportedParameters ClientSession::values_reset_by(const StatementEffect& effect) const {
  if (effect.resets_all) return startup_parameters_->values;
  ReportedParameters values;
  for (const std::string& name : effect.resets) {
    if (const auto found = startup_parameters_->values.find(name); found != startup_parameters_->values.end())
      values.insert(*found);
  }
  return values;
}

// The server's state is the client's from now on. A startup value that is missing in it has been reset.
void ClientSession::on_audited() {
  parameters_ = server_->parameters();
  learn_channels();
  count_pins();
  pins_ = server_->residue().pins();
  ReportedParameters missing;
  for (const auto& [name, value] : startup_parameters_->values) {
    if (!parameters_->values.contains(name)) missing[name] = value;
  }
  if (missing.empty()) return;
  server_->restore(missing);
  parameters_ = server_->parameters();
}

void ClientSession::count_pins() const {
  Counters& counters = context_.pools().counters();
  const std::array<std::pair<Residue, Counter*>, 6> reasons{{
      {Residue::advisory_locks, &counters.pins_advisory_locks},
      {Residue::temp_objects, &counters.pins_temp_objects},
      {Residue::hold_cursors, &counters.pins_hold_cursors},
      {Residue::prepared, &counters.pins_prepared},
      {Residue::listening, &counters.pins_listening},
      {Residue::unseen, &counters.pins_unseen},
  }};
  ResidueSet now = server_->residue().pins();
  if (listening_ && listening_->shared != nullptr) now -= Residue::listening;  // not for long
  for (const auto& [reason, counter] : reasons) {
    if (now.has(reason) && !pins_.has(reason)) ++*counter;
  }
}

}  // namespace ballast
