// The state that a client's session has on its server: what its statements may leave there is asked for
// behind its transactions; what can travel goes with the client, what can't keeps the two together.
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "protocol/reader.hpp"

#include "proxy/base/log.hpp"
#include "proxy/session/client_session.hpp"
#include "proxy/session/identity.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

constexpr std::size_t bind_max = 64 * 1024;  // of a Bind whose values may name custom settings

int read_count(Reader& reader) { return static_cast<std::uint16_t>(reader.int16()); }

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

void ClientSession::note(const StatementEffect& effect) { suspect(effect, effect.residue); }

// Server of mine, stay mine if you can.
void ClientSession::claim() {
  claimant_ = id_;
  server_->claim(id_);
}

// Whoever changes the schema is about to try what became of it, and that goes through caches of the backend.
void ClientSession::on_schema_changed() {
  if (is_kept_apart()) claim();
}

const StatementEffect& ClientSession::effect_of(std::string_view text) {
  if (text.data() == plain_text_.data() && text.size() == plain_text_.size()) return plain_effect;
  const StatementEffect& effect = context_.effects().of(text);
  if (&effect == &plain_effect) plain_text_ = text;
  return effect;
}

// A Parse without a name that was answered here.
void ClientSession::remember_unnamed(std::string_view definition) {
  if (!shares_statements()) return;
  statements().define_unnamed(next_statement_id(), definition, effect_of_definition(definition));
  statements().unnamed_answered();
}

EffectRef ClientSession::effect_of_definition(std::string_view definition) {
  if (!is_kept_apart()) return nullptr;
  if (definition.empty()) {  // too long to be kept
    StatementEffect undecided;
    undecided.residue = Residue::anything;
    return std::make_shared<const StatementEffect>(std::move(undecided));
  }
  const StatementEffect& effect = effect_of(Reader(definition).cstring());
  return effect.is_plain() ? nullptr : std::make_shared<const StatementEffect>(effect);
}

const StatementEffect& ClientSession::effect_ahead(FrontendType type, std::string_view message) {
  Reader reader(message.substr(header_size));
  std::string_view text = reader.cstring();
  switch (type) {
    case FrontendType::parse:
      text = reader.cstring();
      [[fallthrough]];
    case FrontendType::query:
      return reader.ok() ? effect_of(text) : plain_effect;
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
  wants_fresh_ = effect.residue.has(Residue::own_backend);
  const bool reads_sequences = effect.residue.has(Residue::sequence_read);
  if (reads_sequences) pool_->note_sequence_reads();
  return reads_sequences;
}

// What others have left there of currval() and lastval() must not be read. That leaves PostgreSQL's own
// error. What the client itself has drawn since it has the server stays.
void ClientSession::meet_sequences() {
  const bool are_own = server_->sequences_of() == ServerConnection::nobody || server_->sequences_of() == id_;
  const bool can_forget = server_->pipeline().status() != TransactionStatus::failed;
  if (!are_own && can_forget && !server_->has_drawn()) server_->forget_sequences();
}

// The latest values are on this server now, perhaps among those of others.
void ClientSession::leave_sequences() {
  if (!server_->has_drawn()) return;
  const bool are_own = server_->sequences_of() == ServerConnection::nobody || server_->sequences_of() == id_;
  if (has_sequences_) pool_->disown_sequences(id_);
  if (are_own && pool_->reads_sequences()) claim();
  server_->give_sequences(are_own ? id_ : ServerConnection::several);
  has_sequences_ = are_own;
}

double ClientSession::random_seed() const {
  std::array<char, sizeof(std::uint32_t)> bytes{};
  context_.world().random.fill(bytes);
  return std::bit_cast<std::int32_t>(bytes) / 2147483648.0;
}

bool ClientSession::note_bind(const StatementEffect& effect, const Header& header, std::string_view message) {
  if (!is_kept_apart()) return true;
  ResidueSet kinds = effect.residue;
  if (effect.names_are_parameters) {
    const bool is_whole = message.size() == header.total();
    if (!is_whole && header.total() <= bind_max) return false;
    const bool are_known = is_whole && learn_names(message.substr(header_size));
    if (!are_known && effect.residue.has(Residue::settings)) kinds |= Residue::unseen;
  }
  suspect(effect, kinds);
  // Another statement of the batch may be a COPY, which our own query must not run into: the audit mends it.
  const ReportedParameters again = values_reset_by(effect);
  has_open_resets_ = has_open_resets_ || (!to_restore_.empty() && !again.empty());
  to_restore_ = to_restore_.empty() ? again : ReportedParameters{};
  return true;
}

void ClientSession::suspect(const StatementEffect& effect, ResidueSet kinds) {
  constexpr ResidueSet claimed =
      Residue::sequence_use | Residue::sequence_read | Residue::own_backend | Residue::random_seed;
  if (!(kinds & claimed).empty()) claim();
  if (!(kinds - claimed).empty()) calls_.have_company = true;
  if (!effect.functions.empty()) kinds |= left_by_functions(effect);
  const bool may_undo = effect.has_control && effect.control != TransactionControl::begin &&
                        effect.control != TransactionControl::commit;
  if (may_undo && !calls_.names.empty()) calls_.were_undone = true;
  for (const std::string& name : effect.custom_settings) {
    const bool is_known = pool_->learn_custom_setting(name);
    if (!is_known && !is_impossible_setting(name) && !(kinds - claimed).empty()) kinds |= Residue::unseen;
  }
  server_->suspect(kinds);
  may_have_reset_ =
      may_have_reset_ || effect.resets_all || !effect.resets.empty() || kinds.has(Residue::anything);
  const bool may_draw = kinds.has(Residue::sequence_use) || kinds.has(Residue::anything);
  if (may_draw || !effect.functions.empty()) server_->draw();
  if (kinds.has(Residue::sequence_read)) pool_->note_sequence_reads();
  if (server_->residue().pins() != pinned_by()) count_pins();
}

ResidueSet ClientSession::left_by_functions(const StatementEffect& effect) {
  if (calls_.names.empty()) calls_.before = parameters_;
  const std::uint64_t epoch = context_.pools().broker().schema_epoch();
  if (pool_->functions().needs_audit(effect.functions, epoch, calls_.names)) return Residue::anything;
  ++context_.pools().counters().audits_saved;
  return {};
}

// set_config($1, $2, false): the names of custom settings are among the values. False: not all of them can be
// asked for.
bool ClientSession::learn_names(std::string_view bind) {
  Reader reader(bind);
  reader.cstring();
  reader.cstring();
  for (int formats = read_count(reader); formats > 0 && reader.ok(); --formats) reader.int16();
  bool are_known = true;
  for (int values = read_count(reader); values > 0 && reader.ok(); --values) {
    const std::int32_t length = reader.int32();
    if (length <= 0) continue;
    const std::string_view value = reader.bytes(static_cast<std::size_t>(length));
    if (is_custom_setting(value) && !pool_->learn_custom_setting(lower_case(value))) are_known = false;
  }
  return are_known;
}

bool ClientSession::resets_for_certain(const StatementEffect& effect) const {
  if (effect.is_single) return true;
  const bool is_block = server_->pipeline().status() == TransactionStatus::in_transaction;
  return is_block && !effect.has_control && !effect.sets && effect.functions.empty() &&
         !effect.residue.has(Residue::anything);
}

ReportedParameters ClientSession::values_reset_by(const StatementEffect& effect) const {
  ReportedParameters values;
  if (effect.resets_all) {
    values = startup_parameters_->values;
    std::erase_if(values, [](const auto& value) { return is_identity(value.first); });
    return values;
  }
  for (const std::string& name : effect.resets) {
    if (const auto found = startup_parameters_->values.find(name); found != startup_parameters_->values.end())
      values.insert(*found);
  }
  return values;
}

void ClientSession::begin_audit() {
  since_ = context_.world().loop.now();
  ++context_.pools().counters().audits;
  judged_ = std::exchange(calls_, {});
  is_at_start_ = std::exchange(was_reset_, false);
  server_->audit();
}

void ClientSession::judge_functions() {
  const FunctionCalls judged = std::exchange(judged_, {});
  const ServerResidue& residue = server_->residue();
  if (judged.names.empty() || !residue.unknown().empty()) return;
  const Pins pins = residue.pins() == pinned_by() ? Pins::same : Pins::changed;
  switch (judge(judged, server_->parameters(), pins, startup_parameters_->values)) {
    case Verdict::clean:
      return pool_->functions().found_clean(judged.names);
    case Verdict::unclear:
      return;
    case Verdict::dirty:
      break;
  }
  const std::string settings = changed_settings(*judged.before, *server_->parameters());
  for (const std::string& function : pool_->functions().found_dirty(judged.names)) {
    log::warning(name(), "function " + function + " of database " + pool_->key().database +
                             " had been clean and has left something behind: " +
                             (settings.empty() ? "other than settings" : settings));
  }
}

// The server's state is the client's from now on. A startup value that is missing in it has been reset.
void ClientSession::on_audited() {
  judge_functions();
  is_at_start_ = false;
  parameters_ = server_->parameters();
  learn_channels();
  const bool are_settings_known = !server_->residue().unknown().has(Residue::settings);
  if (are_settings_known) mend_startup_values();
  calls_.before = parameters_;  // of calls that are under way already
  if (server_->residue().is_seeded()) claim();
  count_pins();
}

// No custom setting looks the same as one that was set to nothing.
void ClientSession::mend_startup_values() {
  const bool has_reset = std::exchange(may_have_reset_, false);
  ReportedParameters missing;
  for (const auto& [name, value] : startup_parameters_->values) {
    const auto there = parameters_->values.find(name);
    const bool is_there = there != parameters_->values.end();
    const bool is_custom = is_custom_setting(name);
    const bool may_be_reset = has_reset && is_custom && is_there && there->second.empty();
    if ((is_there && !may_be_reset) || is_identity(name)) continue;
    missing[name] = is_custom && !has_reset ? "" : value;
  }
  has_open_resets_ = false;
  if (missing.empty()) return;
  // What is under way may be a COPY, which our own query must not run into: seen again behind it.
  if (!server_->pipeline().at_rest()) {
    may_have_reset_ = may_have_reset_ || has_reset;
    return server_->suspect(Residue::settings);
  }
  server_->restore(missing);
  parameters_ = server_->parameters();
}

void ClientSession::count_pins() {
  Counters& counters = context_.pools().counters();
  const std::array<std::pair<Residue, Counter*>, 6> reasons{{
      {Residue::advisory_locks, &counters.pins_advisory_locks},
      {Residue::temp_objects, &counters.pins_temp_objects},
      {Residue::hold_cursors, &counters.pins_hold_cursors},
      {Residue::prepared, &counters.pins_prepared},
      {Residue::listening, &counters.pins_listening},
      {Residue::unseen, &counters.pins_unseen},
  }};
  const ServerResidue& residue = server_->residue();
  const ResidueSet found = residue.pins() - residue.unknown();
  ResidueSet staying = found;
  const bool is_handed_over = listening_ && listening_->shared != nullptr;
  if (is_handed_over && found == Residue::listening) staying = {};
  for (const auto& [reason, counter] : reasons) {
    if (staying.has(reason) && !pins_.has(reason)) ++*counter;
  }
  if (unknown_pins_.empty() && !residue.unknown().empty()) ++counters.pins_failed_audits;
  pins_ = found;
  unknown_pins_ = residue.unknown();
}

}  // namespace ballast
