// LISTEN without a server of one's own. While a client has a server, that one listens for it, so that
// whatever it says (LISTEN, UNLISTEN, NOTIFY, ROLLBACK, pg_listening_channels()) is PostgreSQL's to do and to
// answer; an audit tells what came of it. Between its transactions one connection listens for all
// (Notifications). The two meet at marks (Hearing).
#include <algorithm>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

// Who listens to more keeps its server: all of them are said to each server that it gets.
constexpr std::size_t shared_channels_max = 1000;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

std::string_view value_of(const ReportedParameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : found->second;
}

// NOTIFY, pg_notify(), pg_listening_channels(): statements that leave nothing behind, but what the session
// listens to makes a difference to them.
bool speaks_of_channels(std::string_view sql) {
  const auto has = [sql](std::string_view word) {
    return std::search(sql.begin(), sql.end(), word.begin(), word.end(),
                       [](char c, char lower) { return (c | 0x20) == lower; }) != sql.end();
  };
  return has("notify") || has("listen");
}

constexpr std::string_view warning_state = "01000";

std::string missed_notice() {
  std::string notice;
  write_error(notice,
              {Severity::warning,
               std::string(warning_state),
               "notifications may have been missed",
               "The server connection that listens for this session was lost, and has been made again.",
               {}});
  return notice;
}

}  // namespace

// What there is
// ---------------------------------------------------------------------------------------------------------

// Behind an audit. A server that was only lent for a statement without effects listens to nothing.
void ClientSession::learn_channels() {
  const Channels& channels = server_->channels();
  if (listening_ ? listening_->hearing.source() == Hearing::Source::shared : channels.empty()) return;
  if (channels.empty()) return stop_listening();
  if (!listening_) listening_ = std::make_unique<Listening>();
  Notifications* const shared = find_shared(channels);
  if (shared != listening_->shared) {
    if (listening_->shared != nullptr) listening_->shared->unsubscribe(listening_->key);
    listening_->shared = shared;
    listening_->hearing.change_shared();
    if (shared != nullptr) listening_->key = shared->subscribe(*this, channels);
  } else if (shared != nullptr && channels != listening_->channels) {
    shared->change(listening_->key, channels);
  }
  listening_->channels = channels;
  listening_->hearing.keep_only(channels);
}

// The server translates names and payloads into the encoding of who listens. Names found by an audit are in
// the encoding that it was born with.
Notifications* ClientSession::find_shared(const Channels& channels) {
  if (channels.size() > shared_channels_max) return nullptr;
  const std::string_view present = value_of(server_->reported(), "client_encoding");
  if (present == value_of(pool_->bare_parameters(), "client_encoding"))
    return &context_.pools().notifications(pool_->key(), {});
  if (!std::all_of(channels.begin(), channels.end(), is_ascii)) return nullptr;
  return &context_.pools().notifications(pool_->key(), std::string(present));
}

void ClientSession::stop_listening() {
  if (!listening_) return;
  if (listening_->shared != nullptr) listening_->shared->unsubscribe(listening_->key);
  listening_.reset();
}

// From a server to the shared connection, and back
// ------------------------------------------------------------------------------------------------

// Its server is at rest. False: it stays with that server, or has left nothing there.
bool ClientSession::hand_over() {
  if (!listening_ || listening_->shared == nullptr) return false;
  if (server_->residue().pins() != ResidueSet(Residue::listening)) return false;
  if (!listening_->shared->is_listening_for(listening_->key))
    return false;  // on_listening() comes back to it
  ++context_.pools().counters().listening_handovers;
  server_->listen_until(listening_->shared->mark_channel(), {listening_->key, listening_->hearing.turn()});
  return true;
}

// A request is about to go to its server. If what it listens to can make a difference, that server listens.
void ClientSession::listen_for(Cut& cut, const Header& header, std::string_view message) {
  if (!listening_ || listening_->hearing.source() == Hearing::Source::server) return;
  if (server_->pipeline().copying_in()) return;  // it would be eaten, as what is at hand will be
  const bool is_query = static_cast<FrontendType>(header.type) == FrontendType::query;
  if (is_query && message.size() == header.total()) {
    const std::string_view sql = message.substr(header_size, header.body_size() - 1);
    if (context_.effects().of(sql).is_plain() && !speaks_of_channels(sql)) return;
  }
  forward_run(cut);
  listen_on_server();
}

// Outside of a transaction: whatever comes of the next one, this stays.
void ClientSession::listen_on_server() {
  if (!listening_ || listening_->hearing.source() == Hearing::Source::server) return;
  server_->listen_from(listening_->shared->mark_channel(), {listening_->key, listening_->hearing.turn()},
                       listening_->channels);
  pins_ |= Residue::listening;
}

void ClientSession::on_listening() {
  if (listening_->hearing.listens_again()) listening_->hearing.hold(missed_notice());
  if (state_ == State::active) release_if_done();
  settle_down();
}

void ClientSession::on_deaf() {
  listening_->hearing.deafen();
  if (server_ != nullptr) server_->relay_on();
  settle_down();
}

// The server is lost. Does the session go on without it? If all that it had there is what it listens to.
bool ClientSession::outlives_server() {
  if (!listening_ || listening_->shared == nullptr || state_ != State::active || is_stalled_) return false;
  const ServerResidue& residue = server_->residue();
  const bool has_left_else = !residue.is_audited() || !(residue.pins() - Residue::listening).empty();
  if (has_left_else || body_left_ > 0 || server_->owed_answers() || !is_between_answers()) return false;
  server_ = nullptr;
  pins_ = unknown_pins_ = {};
  to_restore_.clear();
  become(State::idle);
  listening_->hearing.lose_server();
  if (listening_->shared->is_listening_for(listening_->key)) on_listening();
  return true;
}

// Telling the client
// ---------------------------------------------------------------------------------------------------

// Nothing of an answer, and no transaction, is under way on its server.
bool ClientSession::is_between_answers() const {
  const Pipeline& pipeline = server_->pipeline();
  return (pipeline.at_rest() || server_->is_busy_with_own_only()) &&
         pipeline.status() == TransactionStatus::idle;
}

bool ClientSession::may_hear() const {
  if (block_ != Block::none) return false;
  if (server_ == nullptr) return state_ == State::idle || state_ == State::waiting;
  const bool may_have_changed =
      listening_->hearing.source() == Hearing::Source::server && !server_->residue().is_audited();
  return is_between_answers() && !may_have_changed;
}

void ClientSession::hear_held() {
  if (listening_ && listening_->hearing.has_due() && may_hear())
    outlet_.append(listening_->hearing.take_held());
}

// From its own server.
Lessee::Heard ClientSession::on_notification(std::string_view message) {
  unanswered_.is_open = false;  // it comes once
  const auto notification = read_notification(message.substr(header_size));
  if (!notification || (!listening_ && !is_kept_apart())) {
    if (server_->pipeline().forwarding()) on_answer(message);
    return Heard::go_on;
  }
  const std::string told = as_told(message, *notification);
  if (!listening_ || listening_->shared == nullptr) {
    on_answer(told);
    return Heard::go_on;
  }
  Hearing& hearing = listening_->hearing;
  if (notification->channel == listening_->shared->mark_channel()) {
    const Mark mark = read_mark(notification->payload).value_or(Mark{});
    if (mark.subscriber == listening_->key) hearing.passed(Hearing::Source::server, mark.number);
    return Heard::go_on;
  }
  switch (hearing.judge(Hearing::Source::server)) {
    case Hearing::Verdict::never:
      return Heard::go_on;
    case Hearing::Verdict::later:
      listening_->shared->miss_mark(listening_->key);
      return Heard::wait;
    case Hearing::Verdict::now:
      break;
  }
  // To which channels of what is held it still listens, the audit tells.
  const ServerResidue& residue = server_->residue();
  const bool may_have_changed = residue.suspects(Residue::listening) || residue.asked(Residue::listening);
  if (hearing.has_due() && may_have_changed) {
    hearing.hold(told);
  } else {
    if (hearing.has_due()) outlet_.append(hearing.take_held());
    on_answer(told);
  }
  return Heard::go_on;
}

// What the client has sent itself says so by the process id that the client knows.
std::string ClientSession::as_told(std::string_view message, const Notification& notification) const {
  if (notification.process_id != server_->process_id()) return std::string(message);
  std::string told;
  MessageWriter(told, BackendType::notification_response)
      .int32(process_id_)
      .cstring(notification.channel)
      .cstring(notification.payload);
  return told;
}

void ClientSession::on_shared_notification(std::string_view message) {
  Hearing& hearing = listening_->hearing;
  const Hearing::Verdict verdict = hearing.judge(Hearing::Source::shared);
  if (verdict == Hearing::Verdict::never || state_ == State::flushing) return;
  ++context_.pools().counters().notifications_forwarded;
  if (verdict == Hearing::Verdict::now && may_hear()) {
    hear_held();
    outlet_.append(message);
  } else {
    hearing.hold(message);
  }
  const std::size_t limit = context_.pools().settings().max_notification_backlog;
  if (outlet_.held_bytes() + hearing.held_bytes() <= limit) return;
  ++context_.pools().counters().client_notification_limits;
  end(fatal(sqlstate::program_limit_exceeded,
            "terminating connection because it does not read its notifications: more than "
            "max_notification_backlog (" +
                std::to_string(limit) + " bytes) wait for it"));
}

void ClientSession::on_shared_mark(std::uint64_t number) {
  listening_->hearing.passed(Hearing::Source::shared, number);
  if (server_ != nullptr) server_->relay_on();
}

void ClientSession::on_notifications_end() { settle_down(); }

}  // namespace ballast
