#include "proxy/session/client_session.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/writer.hpp"

#include "proxy/base/log.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/session/startup_parameters.hpp"

namespace ballast {

namespace {

constexpr int reads_per_turn = 4;
// While the client can't be served, this much of what it sends is taken from it; then it is left to wait.
constexpr std::size_t backlog_max = 64 * 1024;
// Requests that one server may owe; a client that pipelines more waits until answers come.
constexpr std::size_t outstanding_max = 65536;

}  // namespace

ClientSession::ClientSession(SessionContext& context, std::unique_ptr<Stream> stream, std::uint64_t id)
    : context_(context),
      stream_(std::move(stream)),
      since_(context.world().loop.now()),
      id_(id),
      connected_at_(coarse(since_)),
      requested_at_(connected_at_) {
  ClientLoginPolicy policy = context_.login_policy();
  policy.is_unix_socket = stream_->peer() == "unix";
  login_ = std::make_unique<ClientLogin>(std::move(policy), context_.pools(),
                                         [this](std::span<char> out) { context_.world().random.fill(out); });
  stream_->listen(this, interest_);
}

ClientSession::~ClientSession() = default;

void ClientSession::become(State state) {
  state_ = state;
  since_ = context_.world().loop.now();
}

// Reading
// ----------------------------------------------------------------------------------------------------------

void ClientSession::on_readable() {
  for (int reads = 0; reads < reads_per_turn; ++reads) {
    const Inbox::Got got = inbox_.read(*stream_);
    if (got.status == IoStatus::would_block) break;
    if (got.status != IoStatus::ok || state_ == State::cancel) return leave();
    if (pool_ != nullptr) pool_->statistics().bytes_received.add(got.fresh);
    if (state_ == State::flushing) break;  // what it still says is of no interest
    if (state_ == State::login) {
      advance_login(got.bytes);
    } else if (state_ == State::idle || state_ == State::active) {
      const std::size_t used = is_stalled_ ? 0 : consume(got.bytes);
      if (state_ == State::ended) return;
      inbox_.keep(got.bytes.substr(used));
    } else {
      inbox_.keep(got.bytes);
    }
    if (state_ == State::ended) return;
    if (!got.more || state_ != State::active) break;
  }
  settle_down();
}

void ClientSession::on_writable() { settle_down(); }

// The end of every event: what is gathered leaves, and the stream is told what to wait for.
void ClientSession::settle_down() {
  if (state_ == State::ended) return;
  hear_held();
  if (server_ != nullptr) server_->flush();
  flush_answers();
  if (outlet_.broken()) return leave();
  if (outlet_.empty() && server_ != nullptr) server_->resume_reading();
  if (state_ == State::flushing && outlet_.empty()) return finish();
  const bool can_be_served = state_ != State::waiting && state_ != State::proving && !is_stalled_;
  const bool takes_more = can_be_served || inbox_.kept().size() < backlog_max;
  const bool server_takes_more =
      server_ == nullptr || (!server_->congested() && server_->pipeline().outstanding() < outstanding_max);
  const bool reads = takes_more && server_takes_more && !is_suspended();
  const bool writes = outlet_.congested();
  const auto interest = static_cast<Interest>((reads ? 1 : 0) | (writes ? 2 : 0));
  if (interest != interest_) stream_->listen(this, interest_ = interest);
}

// Login
// ------------------------------------------------------------------------------------------------------------

void ClientSession::advance_login(std::string_view bytes) {
  if (stream_->is_tls() && !login_->is_tls()) {
    login_->tls_started(stream_->channel_binding(), stream_->peer_common_name());
  }
  std::size_t consumed = 0;
  const ClientLogin::Step step = login_->receive(bytes, consumed, outlet_.buffer());
  inbox_.keep(bytes.substr(consumed));
  switch (step) {
    case ClientLogin::Step::need_more:
      return;
    case ClientLogin::Step::start_tls:
      outlet_.flush(*stream_);
      if (!outlet_.empty() || !stream_->start_tls()) leave();
      return;
    case ClientLogin::Step::cancel: {
      become(State::cancel);
      const CancelRequest request = login_->cancel_request();
      // The connection is closed when the request has been dealt with: that is what a client waits for.
      return context_.cancel(request, [&context = context_, id = id_] { context.end_client(id); });
    }
    case ClientLogin::Step::authenticated:
      return start_session();
    case ClientLogin::Step::failed:
      ++context_.pools().counters().client_login_failures;
      note_error(login_->error());
      log::info(name(), "login failed: " + login_->error().message + " " + login_->log_detail() + " from " +
                            stream_->peer());
      return become(State::flushing);
    case ClientLogin::Step::closed:
      return leave();
  }
}

void ClientSession::start_session() {
  if (context_.has_console() && is_console_name(login_->startup().database)) return go_to_console();
  if (!context_.admit_client()) {
    ++context_.pools().counters().clients_refused_max_client_conn;
    return end(fatal(sqlstate::too_many_connections, "sorry, too many clients already (max_client_conn)"));
  }
  is_admitted_ = true;
  const StartupMessage& startup = login_->startup();
  if (context_.pools().gates().is_disabled(startup.database)) {
    return end(
        fatal(sqlstate::not_in_prerequisite_state, "database \"" + startup.database + "\" is disabled"));
  }
  context_.pools().users().remember_client_key(startup.user, login_->client_key());
  PoolKey key{startup.database, startup.user};
  if (startup.replication != Replication::none) {
    key.replication = startup.replication;
    own_pool_ = std::make_unique<Pool>(context_.pools(), std::move(key), startup.parameters);
    pool_ = own_pool_.get();
  } else {
    pool_ = &context_.pools().pool(key);
  }
  ++pool_->clients;
  if (!adopt_parameters()) return;
  if (context_.pools().settings().connect_ahead == Switch::on && !own_pool_) pool_->connect_ahead();
  if (parameters_->proven()) return welcome();
  prove_parameters();
}

// The client's startup parameters become the state that its statements run in.
bool ClientSession::adopt_parameters() {
  if (own_pool_) {
    parameters_ = startup_parameters_ = pool_->bare_set();  // its server connection is made with them
    return true;
  }
  StartupValues values = read_startup_values(login_->startup().parameters);
  if (!values.error.message.empty()) {
    end(values.error);
    return false;
  }
  for (const auto& [name, value] : values.values) {
    if (name.find('.') != std::string::npos) pool_->learn_custom_setting(name);
  }
  priority_ = values.priority;
  parameters_ = startup_parameters_ = pool_->parameter_sets().intern(std::move(values.values));
  if (parameters_->proven()) return true;
  const auto reported = context_.pools().broker().logins().find(pool_->key(), parameters_->values);
  if (reported) parameters_->reported = *reported;
  return true;
}

void ClientSession::prove_parameters() {
  state_ = State::proving;  // since_ remains: it is a part of the login, which has one time and one timeout
  if (ServerConnection* const server = pool_->checkout(*this)) on_granted(*server);
}

std::string ClientSession::new_cancel_secret() const {
  constexpr std::size_t long_key_size = 32;  // what PostgreSQL 18 uses with protocol 3.2
  std::string secret(login_->protocol_minor() >= 2 ? long_key_size : 4, '\0');
  context_.world().random.fill(secret);
  return secret;
}

void ClientSession::welcome() {
  std::string& out = outlet_.buffer();
  for (const auto& [name, value] : parameters_->reported) {
    MessageWriter(out, BackendType::parameter_status).cstring(name).cstring(value);
  }
  cancel_secret_ = new_cancel_secret();
  process_id_ = context_.cancel_keys().issue(*this);
  MessageWriter(out, BackendType::backend_key_data).int32(process_id_).bytes(cancel_secret_);
  MessageWriter(out, BackendType::ready_for_query).byte(static_cast<char>(TransactionStatus::idle));
  if (context_.pools().settings().log_connections != 0) {
    log::info(name(), "login: " + pool_->key().user + "@" + pool_->key().database + " from " +
                          stream_->peer() + (stream_->is_tls() ? " (TLS)" : ""));
  }
  login_.reset();
  context_.pools().connect_times().client_login.record(context_.world().loop.now() - since_);
  become(server_ == nullptr ? State::idle : State::active);
  if (context_.is_draining()) return drain();
  if (!inbox_.kept().empty()) go_on();
}

// At login PostgreSQL would have refused it. Later it means that the session's role, tablespace or the like
// has been dropped: there is no state to go on in.
void ClientSession::on_parameters_refused(const PgError& why) {
  PgError error = why;
  error.severity = Severity::fatal;
  give_back();
  end(error);
}

// Waiting
// ----------------------------------------------------------------------------------------------------------

void ClientSession::on_granted(ServerConnection& server) {
  if (state_ == State::proving && own_pool_) {
    server_ = &server;  // the login is theirs alone
    begin_unanswered();
    server.lease_to(*this);
    welcome();
  } else if (state_ == State::proving && parameters_->proven()) {
    pool_->checkin(server);
    welcome();
  } else if (state_ == State::proving) {
    server_ = &server;
    server.lease_to(*this);
    server.take_parameters(parameters_);
  } else {
    attach(server, inbox_.kept());
    go_on();
  }
  settle_down();
}

std::string_view ClientSession::application_name() const {
  const auto given = parameters_->values.find("application_name");
  return given == parameters_->values.end() ? std::string_view{} : given->second;
}

void ClientSession::on_refused(const PgError& why) {
  if (state_ == State::proving) {
    PgError error = why;
    error.severity = Severity::fatal;
    end(error);
  } else {
    fail_request(why);
  }
  settle_down();
}

void ClientSession::cancel(std::function<void()> done) {
  const bool is_riding = state_ == State::active && server_->is_unproved() && unanswered_.is_open;
  if (state_ == State::waiting || is_riding) {
    leave_queue();
    if (is_riding) step_off();
    ++context_.pools().counters().cancels_local;
    fail_request({Severity::error,
                  std::string(sqlstate::query_canceled),
                  "canceling statement due to user request",
                  {},
                  {}});
    settle_down();
  } else if (state_ == State::active && !server_->pipeline().at_rest() && !server_->is_busy_with_own_only() &&
             !server_->cancel_secret().empty()) {
    ++context_.pools().counters().cancels_forwarded;
    return context_.forward_cancel(*server_, std::move(done));
  }
  done();
}

// Time
// -------------------------------------------------------------------------------------------------------------

bool ClientSession::is_overdue(Milliseconds limit, TimePoint now) const {
  return limit.count() > 0 && now - since_ >= limit;
}

void ClientSession::tick(TimePoint now) {
  const Settings& settings = context_.pools().settings();
  Counters& counters = context_.pools().counters();
  if (own_pool_) own_pool_->tick(now);
  if (is_suspended()) return;
  switch (state_) {
    case State::login:
    case State::proving:
      if (!is_overdue(settings.client_login_timeout, now)) return;
      ++counters.client_login_timeouts;
      return end(fatal(sqlstate::invalid_authorization, "login took longer than client_login_timeout"));
    case State::idle:
      return block_ == Block::none ? end_if_idle_too_long(now) : end_if_idle_in_transaction(now);
    case State::active:
      if (!server_->pipeline().at_rest()) {
        if (server_->is_unproved()) return;  // it waits, in truth, for less than query_wait_timeout
        if (!is_overdue(settings.query_timeout, now)) return;
        ++counters.query_timeouts;
        stop_query();
        return end(fatal(sqlstate::query_canceled, "terminating connection due to query_timeout"));
      }
      if (server_->pipeline().status() == TransactionStatus::idle && block_ == Block::none)
        return end_if_idle_too_long(now);
      return end_if_idle_in_transaction(now);
    case State::flushing:
      // A client that does not read its last word is not waited for.
      if (is_overdue(settings.client_login_timeout, now)) leave();
      return;
    default:
      return;
  }
}

void ClientSession::end_if_idle_too_long(TimePoint now) {
  if (!is_overdue(context_.pools().settings().client_idle_timeout, now)) return;
  ++context_.pools().counters().client_idle_timeouts;
  end(fatal(sqlstate::idle_session_timeout, "terminating connection due to client_idle_timeout"));
}

void ClientSession::end_if_idle_in_transaction(TimePoint now) {
  if (!is_overdue(context_.pools().settings().idle_transaction_timeout, now)) return;
  ++context_.pools().counters().idle_transaction_timeouts;
  end(fatal(sqlstate::idle_in_transaction_timeout, "terminating connection due to idle_transaction_timeout"));
}

void ClientSession::drain() {
  const bool waits_in_vain = state_ == State::waiting && pool_->is_paused();
  if (block_ != Block::none && !waits_in_vain) return;
  const bool is_between_transactions =
      (state_ == State::idle && inbox_.kept().empty()) ||
      (state_ == State::active && server_->pipeline().at_rest() &&
       server_->pipeline().status() == TransactionStatus::idle && body_left_ == 0);
  if (is_between_transactions || waits_in_vain) {
    end(fatal(sqlstate::admin_shutdown, "terminating connection due to administrator command"));
  }
}

// The end
// ----------------------------------------------------------------------------------------------------------

void ClientSession::end(const PgError& why) {
  if (state_ == State::ended || state_ == State::flushing) return;
  if (server_ != nullptr && server_->is_mid_message())
    was_told_why_ = true;  // no words inside another message
  if (!was_told_why_) {
    note_error(why);
    write_error(outlet_.buffer(), why);
  }
  log_end(why.message);
  leave_queue();
  if (server_ != nullptr) give_back();
  become(State::flushing);
  settle_down();
}

void ClientSession::log_end(std::string_view why) const {
  // What never logged in (a probe, a cancel request, a failed login) has no end worth a line.
  if (process_id_ == 0 || context_.pools().settings().log_disconnections == 0) return;
  log::info(name(), "closing: " + std::string(why));
}

// The client is gone, or says that it goes.
void ClientSession::leave() {
  if (state_ == State::ended) return;
  if (state_ != State::flushing) log_end("the client left");
  leave_queue();
  if (server_ != nullptr) give_back();
  finish();
}

void ClientSession::finish() {
  become(State::ended);
  stream_->listen(nullptr, Interest::none);
  if (process_id_ != 0) context_.cancel_keys().forget(process_id_);
  stop_listening();
  if (claimant_ != 0) pool_->release_claims(claimant_);
  if (pool_ != nullptr) --pool_->clients;
  if (is_admitted_) context_.client_left();
  context_.on_session_ended(*this);
}

}  // namespace ballast
