// What Ballast itself asks a server: the state that a client needs, what it has left behind, the end of what
// it left open.
#include <cassert>
#include <utility>

#include "protocol/writer.hpp"

#include "proxy/pool/server_connection.hpp"

namespace ballast {

namespace {

constexpr std::uint64_t own_statement = 1;
constexpr std::string_view client_encoding = "client_encoding";

}  // namespace

void ServerConnection::run_own(std::string_view sql, OwnQuery purpose) {
  MessageWriter(outlet_.buffer(), FrontendType::query).cstring(sql);
  expect_own(RequestKind::query, purpose);
  forget_unnamed();  // a simple query destroys it
}

void ServerConnection::expect_own(RequestKind kind, OwnQuery purpose) {
  ++own_queries_;
  pipeline_.add({.kind = kind,
                 .answer = Answer::drop,
                 .purpose = static_cast<std::uint8_t>(purpose),
                 .statement = own_statement});  // on_discarded() is to know of it
}

// The one whose answer is at hand.
OwnQuery ServerConnection::own_query() const {
  const Request* const asked = pipeline_.next();
  return asked != nullptr ? static_cast<OwnQuery>(asked->purpose) : OwnQuery::none;
}

bool ServerConnection::is_busy_with_own_only() const {
  return own_queries_ > 0 && pipeline_.outstanding() == static_cast<std::size_t>(own_queries_);
}

void ServerConnection::roll_back() { run_own("ROLLBACK", OwnQuery::rollback); }

void ServerConnection::reset(std::string_view sql, const ParameterSetRef& bare) {
  run_own(sql, OwnQuery::reset);
  parameters_ = bare;
  residue_.forget_all();
  sequences_of_ = nobody;
  channels_.clear();
  used_ = false;
}

void ServerConnection::take_parameters(const ParameterSetRef& target) {
  if (target == parameters_) return;
  parameters_before_ = std::exchange(parameters_, target);
  // Text is read in the encoding that the server is in: first back to its own, where quoting is safe.
  if (parameters_before_->values.contains(client_encoding)) {
    ReportedParameters rest = parameters_before_->values;
    rest.erase(rest.find(client_encoding));
    parameters_before_ = owner_.parameter_sets().intern(std::move(rest));
    run_own("RESET client_encoding", OwnQuery::encoding);
  }
  const std::string query = transition(*parameters_before_, *target);
  if (!query.empty()) run_own(query, OwnQuery::parameters);
}

void ServerConnection::restore(const ReportedParameters& values) {
  ReportedParameters with = parameters_->values;
  for (const auto& [name, value] : values) with[name] = value;
  parameters_ = owner_.parameter_sets().intern(std::move(with));
  run_own(set_commands(values), OwnQuery::restore);
}

// An empty query is answered at once, however long the next one takes.
void ServerConnection::probe() {
  is_probing_ = true;
  run_own("", OwnQuery::probe);
}

void ServerConnection::fail_probe() {
  break_with({Severity::fatal,
              std::string(sqlstate::connection_failure),
              "the server does not answer after a rest (server_check_timeout)",
              {},
              {}});
}

void ServerConnection::reseed(double seed) {
  residue_.forget_seed();
  // The setting would show that there was one for as long as it is set.
  run_own("RESET seed;SELECT pg_catalog.setseed(" + std::to_string(seed) + ")", OwnQuery::reseed);
}

void ServerConnection::begin(std::string_view sql) { run_own(sql, OwnQuery::begin); }

// There is no savepoint of that name.
void ServerConnection::fail_block() { run_own("ROLLBACK TO SAVEPOINT ballast_none", OwnQuery::fail_block); }

void ServerConnection::forget_sequences() {
  sequences_of_ = nobody;
  run_own("DISCARD SEQUENCES", OwnQuery::discard_sequences);
}

void ServerConnection::audit() {
  resume_reading();  // a client that does not read has no part in it
  findings_ = {};
  const ResidueSet asked = residue_.begin_audit();
  std::string query = audit_query(asked, owner_.custom_settings());
  asked_names_ = asked.has(Residue::anything) && owner_.wants_setting_names();
  if (asked_names_) query += setting_names_query;
  // Values are kept in the encoding that the server was born with.
  const auto born = owner_.bare_parameters().find(client_encoding);
  const auto present = reported_.find(client_encoding);
  if (born != owner_.bare_parameters().end() && present != reported_.end() && born->second != present->second)
    query.insert(0, "SET LOCAL client_encoding TO " + quoted_literal(born->second) + ";");
  run_own(query, OwnQuery::audit);
}

// Syncs of their own: their errors are no one else's. What a name has been lent for fails by itself then.
void ServerConnection::lend_name(std::string_view name, std::string_view definition) {
  MessageWriter(outlet_.buffer(), FrontendType::parse).cstring(name).bytes(definition);
  expect_own(RequestKind::parse, OwnQuery::name);
  MessageWriter(outlet_.buffer(), FrontendType::sync);
  expect_own(RequestKind::sync, OwnQuery::name);
}

void ServerConnection::take_name_back(std::string_view name) {
  MessageWriter(outlet_.buffer(), FrontendType::close).byte('S').cstring(name);
  expect_own(RequestKind::close, OwnQuery::name);
  MessageWriter(outlet_.buffer(), FrontendType::sync);
  expect_own(RequestKind::sync, OwnQuery::name);
}

void ServerConnection::own_query_done(OwnQuery purpose) {
  --own_queries_;
  const bool is_nobodys = lessee_ == nullptr;  // a lessee may let go of it from within its call
  switch (purpose) {
    case OwnQuery::audit:
      audit_done();
      break;
    case OwnQuery::discard_sequences:
    case OwnQuery::reseed:
    case OwnQuery::fail_block:
    case OwnQuery::name:
    case OwnQuery::restore:
    case OwnQuery::limits:
      own_error_ = {};  // refused in a failed transaction; what came of it the audit tells
      break;
    case OwnQuery::begin:
      // What follows it would run outside of a transaction.
      if (!own_error_.message.empty() && !is_nobodys) return break_with(own_error_);
      break;
    case OwnQuery::encoding:
    case OwnQuery::parameters:
      parameters_done();
      break;
    case OwnQuery::listen:
      if (!is_nobodys) listened();
      break;
    case OwnQuery::probe:
      is_probing_ = false;
      break;
    default:
      break;
  }
  if (is_nobodys && own_queries_ == 0) owner_.on_settled(*this, std::exchange(own_error_, {}));
}

void ServerConnection::parameters_done() {
  if (!own_error_.message.empty()) {
    if (lessee_ != nullptr) own_query_failed(std::exchange(own_error_, {}));
  } else if (own_queries_ == 0 && !parameters_->proven()) {
    parameters_->reported = reported_;
  }
}

// The failed query changed nothing. But if requests of the lessee's follow it, they may run in the wrong
// state: nobody goes on with this server then.
void ServerConnection::own_query_failed(const PgError& error) {
  if (!pipeline_.at_rest()) return break_with(error);
  parameters_ = parameters_before_;
  lessee_->on_parameters_refused(error);
}

ServerConnection::Handled ServerConnection::handle_finding(std::string_view body) {
  if (!read_finding(body, owner_.login_user(), findings_))
    return ended("the answer of an audit is malformed");
  return handle_verdict(pipeline_.receive(BackendType::data_row));
}

ServerConnection::Handled ServerConnection::handle_limits(std::string_view body) {
  if (const auto limits = read_limits(body)) owner_.on_limits(*limits);
  return handle_verdict(pipeline_.receive(BackendType::data_row));
}

void ServerConnection::audit_done() {
  const bool has_failed = !std::exchange(own_error_, {}).message.empty();
  if (asked_names_ && !has_failed && owner_.learn_setting_names(findings_.setting_names))
    residue_.suspect(Residue::settings);  // to be asked for by these names too
  if (has_failed || !findings_.can_travel()) {
    residue_.audit_failed();
  } else {
    if (residue_.asked(Residue::anything) && owner_.has_nameless_settings())
      findings_.residue |= Residue::unseen;
    if (residue_.asked(Residue::settings)) {
      // audit() may have changed this one for its own transaction.
      const auto encoding = findings_.settings.find(client_encoding);
      const auto reported = reported_.find(client_encoding);
      if (encoding != findings_.settings.end() && reported != reported_.end())
        encoding->second = reported->second;
      parameters_ = owner_.parameter_sets().intern(std::move(findings_.settings));
      if (!parameters_->proven()) parameters_->reported = reported_;
    }
    if (residue_.asked(Residue::listening)) channels_ = std::move(findings_.channels);
    residue_.found(findings_.residue);
  }
  if (lessee_ != nullptr) lessee_->on_audited();
}

}  // namespace ballast
