// A server that is lost before it has answered anything: a suspended compute, a restart, a dead route. What
// the client has asked is asked of another server, if that can't have been done twice: because it only reads,
// because the server said that it was being shut down, which undoes a statement that it has not answered
// (PostgreSQL, src/backend/tcop/postgres.c, ProcessInterrupts), or because its COMMIT has not been sent.
#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/identity.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

// Longer ones are not kept.
constexpr std::size_t unanswered_max = 16 * 1024;
constexpr int resends_max = 2;
// What runs longer may have been ended on purpose (pg_terminate_backend), or have crashed its server, and
// would be or do so again. Neither is why a server falls silent.
constexpr std::chrono::seconds resend_window{2};

}  // namespace

void ClientSession::begin_unanswered() {
  unanswered_.is_open = !own_pool_ && pool_->settings().pool_mode != PoolMode::session && !listening_;
  unanswered_.has_begun = false;
  unanswered_.from = 0;
  unanswered_.sent.clear();
  unanswered_.last_words.clear();
  unanswered_.since = context_.world().loop.now();
  if (server_->is_unproved()) {
    unanswered_.first_since = waiting_since();
  } else if (unanswered_.resends == 0) {
    unanswered_.first_since = unanswered_.since;
  }
  unanswered_.block = block_;
  if (block_ != Block::none) unanswered_.begin = begin_;
}

void ClientSession::keep_unanswered(std::string_view bytes) {
  bytes.remove_prefix(std::exchange(unanswered_.from, 0));
  if (unanswered_.sent.size() + bytes.size() > unanswered_max) return unanswered_.close();
  unanswered_.sent += bytes;
}

Repeatable ClientSession::repeatable_batch(std::string_view messages) const {
  Repeatable all = Repeatable::always;
  bool has_parse = false;
  while (!messages.empty()) {
    if (messages.size() < header_size) return Repeatable::never;
    const Header header = read_header(messages.data());
    if (!valid(header) || header.total() > messages.size()) return Repeatable::never;
    Reader body(messages.substr(header_size, header.body_size()));
    messages.remove_prefix(header.total());
    switch (static_cast<FrontendType>(header.type)) {
      case FrontendType::parse:
        has_parse = true;
        body.cstring();
        [[fallthrough]];
      case FrontendType::query:
        all = std::min(all, repeatable(body.cstring()));
        break;
      case FrontendType::bind: {
        body.cstring();
        const std::string_view name = body.cstring();
        const ClientStatements::Held* const held =
            statements_ && !name.empty() ? statements_->find(name) : nullptr;
        if (held != nullptr) {
          all = std::min(all, repeatable(Reader(held->statement->definition()).cstring()));
        } else if (!has_parse) {
          return Repeatable::never;
        }
        break;
      }
      case FrontendType::describe:
      case FrontendType::execute:
      case FrontendType::close:
      case FrontendType::flush:
      case FrontendType::sync:
        break;
      default:
        return Repeatable::never;
    }
  }
  return all;
}

// Drivers' pools say such a thing of each connection that comes back: "SELECT pg_advisory_unlock_all(); CLOSE
// ALL; UNLISTEN *; RESET ALL". Whatever it ends ends with the server too.
bool ClientSession::takes_to_start(const StatementEffect& effect, std::string_view sql) const {
  constexpr ResidueSet ended =
      Residue::settings | Residue::advisory_locks | Residue::hold_cursors | Residue::listening;
  if (!effect.resets_all || effect.sets || effect.has_control || effect.names_are_parameters) return false;
  if (!effect.functions.empty() || !(effect.residue - ended).empty()) return false;
  const Pipeline& pipeline = server_->pipeline();
  const bool is_alone = pipeline.at_rest() && pipeline.status() == TransactionStatus::idle;
  return is_alone && server_->residue().is_clean() && repeatable(sql) == Repeatable::always;
}

void ClientSession::go_to_start() {
  is_at_start_ = false;
  ReportedParameters values = startup_parameters_->values;
  std::erase_if(values, [](const auto& value) { return is_identity(value.first); });
  for (const auto& [name, value] : parameters_->values) {
    if (is_identity(name)) values[name] = value;
  }
  parameters_ = pool_->parameter_sets().intern(std::move(values));
}

// Is it between requests, its state known, and nothing of that on its server alone?
bool ClientSession::is_free_to_go() const {
  return is_kept_apart() && is_between_answers() && (is_at_start_ || server_->residue().is_clean());
}

// It has all its answers; only queries of our own were under way.
bool ClientSession::outlives_own_queries() {
  if (state_ != State::active || listening_ || server_->owed_answers() || body_left_ > 0) return false;
  if (!is_free_to_go()) return false;
  if (is_at_start_) go_to_start();
  let_go_of_server();
  go_on();
  return true;
}

// The one that is lost.
void ClientSession::let_go_of_server() {
  server_ = nullptr;
  is_stalled_ = false;
  pins_ = unknown_pins_ = {};
  to_restore_.clear();
  has_open_resets_ = false;
  lent_.clear();
  calls_ = judged_ = {};
  become(State::idle);
}

// A sleep or a crash ends all servers, one after another, and some are lent before that is seen. They are
// finitely many.
bool ClientSession::is_lost_with_others() const { return server_->connected_at() < unanswered_.lost_at; }

// Of a server whose login has failed nothing counts: not even as a try.
bool ClientSession::may_resend() const {
  if (server_->is_unproved()) return unanswered_.is_open && state_ == State::active;
  if (!unanswered_.is_open || state_ != State::active || !pinned_by().empty()) return false;
  if (unanswered_.resends >= resends_max && !is_lost_with_others()) return false;
  const Duration age = context_.world().loop.now() - unanswered_.since;
  const bool is_gone = server_->is_probing() || server_->was_silent();
  if (age > resend_window && !is_gone) return false;
  // It would have been refused by now, if there had been no server for it.
  const Milliseconds patience = context_.pools().settings().query_wait_timeout;
  if (patience.count() > 0 && context_.world().loop.now() - unanswered_.first_since >= patience) return false;
  const Repeatable batch = repeatable_batch(unanswered_.sent);
  if (unanswered_.has_begun) return batch == Repeatable::always;  // what was begun may have been committed
  const bool is_undone = server_->has_said_goodbye() || unanswered_.block == Block::begun;
  return batch == Repeatable::always || (batch == Repeatable::if_undone && is_undone);
}

bool ClientSession::resend() {
  if (!may_resend()) return false;
  if (!server_->is_unproved()) {
    ++context_.pools().counters().requests_resent;
    if (!is_lost_with_others()) {
      ++unanswered_.resends;
      unanswered_.lost_at = context_.world().loop.now();
    }
  }
  take_back_request();
  go_on();
  return true;
}

// As if the server had not been asked yet.
void ClientSession::take_back_request() {
  if (std::exchange(unanswered_.has_begun, false)) outlet_.shrink_to(unanswered_.answer_from);
  if (is_at_start_) go_to_start();
  let_go_of_server();
  skip_ = Skip::nothing;
  body_left_ = 0;
  block_ = unanswered_.block;
  begin_ = std::move(unanswered_.begin);
  unanswered_.is_open = false;
  asks_since_ = unanswered_.first_since;
  const std::string again = unanswered_.sent + std::string(inbox_.kept());
  inbox_.keep(again);
}

// May that be sent to a server that has not let us in yet?
bool ClientSession::may_ride(std::string_view messages) const {
  return messages.size() <= unanswered_max && repeatable_batch(messages) == Repeatable::always;
}

bool ClientSession::may_ride() const {
  const bool is_alone = !own_pool_ && pool_->settings().pool_mode != PoolMode::session && !listening_;
  return is_alone && state_ == State::waiting && !may_be_refused(*pool_->bare_set(), *parameters_) &&
         may_ride(inbox_.kept());
}

// With what has gone there already.
bool ClientSession::may_ride_too(const Cut& cut) const {
  return may_ride(unanswered_.sent + std::string(cut.bytes.substr(unanswered_.from)));
}

// Its server goes on with the login.
void ClientSession::step_off() {
  ServerConnection& server = *server_;
  take_back_request();
  pool_->let_log_in(server);
}

// Only now it has a server, in truth.
void ClientSession::on_let_in() {
  transaction_began_ = {};
  note_asked();
  since_ = unanswered_.since = asked_at_;
}

void ClientSession::end_with_server(const PgError& why) {
  const bool was_asked = server_->owed_answers();
  if (server_->is_mid_message()) was_told_why_ = true;
  server_ = nullptr;
  if (!unanswered_.last_words.empty()) {
    outlet_.buffer() += unanswered_.last_words;
    was_told_why_ = unanswered_.last_words.front() == static_cast<char>(BackendType::error_response);
  }
  PgError error = why;
  error.severity = Severity::fatal;
  if (error.sqlstate.empty()) error.sqlstate = sqlstate::connection_failure;
  if (was_asked && error.detail.empty())
    error.detail = "It is not known whether what was asked of it last has been done.";
  end(error);
}

// What we have ended ourselves, because it answered in a way that it should not, would be so again elsewhere.
void ClientSession::on_server_lost(const PgError& why) {
  const bool is_its_end = server_->is_unproved() || why.sqlstate == sqlstate::connection_failure ||
                          why.sqlstate.starts_with("57P");
  if (outlives_server() || (is_its_end && (resend() || outlives_own_queries()))) return settle_down();
  end_with_server(why);
}

}  // namespace ballast
