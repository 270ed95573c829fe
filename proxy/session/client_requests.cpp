// What a client asks for: walks its messages and sees to what each needs before it goes to the server.
#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

// Of an extended batch without a server, this much may gather before it counts as complete enough.
constexpr std::size_t batch_wait_max = 16 * 1024;

// A text no longer than this is waited for as a whole. Longer ones may do anything to their session.
constexpr std::size_t text_wait_max = 64 * 1024;

// Is there something in `bytes` that makes a server answer? A slow client's half of a batch holds no server.
bool asks_for_answer(std::string_view bytes) {
  if (bytes.size() >= batch_wait_max) return true;
  while (bytes.size() >= header_size) {
    const Header header = read_header(bytes.data());
    switch (static_cast<FrontendType>(header.type)) {
      case FrontendType::parse:
      case FrontendType::bind:
      case FrontendType::describe:
      case FrontendType::close:
        break;
      default:
        return true;  // Execute too: a COPY begins without a Flush
    }
    if (!valid(header) || header.total() >= batch_wait_max) return true;
    bytes.remove_prefix(std::min(header.total(), bytes.size()));
  }
  return false;
}

}  // namespace

void ClientSession::forward_run(Cut& cut) {
  if (cut.at > cut.run && server_ != nullptr) server_->send(cut.bytes.substr(cut.run, cut.at - cut.run));
  cut.run = cut.at;
}

void ClientSession::go_on() {
  if (is_stalled_ || (state_ != State::idle && state_ != State::active)) return;
  const std::string_view kept = inbox_.kept();
  const std::size_t used = consume(kept);
  if (state_ != State::ended) inbox_.keep(kept.substr(used));
}

// Returns how many bytes are done with.
std::size_t ClientSession::consume(std::string_view bytes) {
  Cut cut{bytes};
  const std::uint32_t length_max = context_.pools().settings().max_packet_size;
  while (true) {
    if (body_left_ > 0) {
      const std::size_t part = std::min(body_left_, bytes.size() - cut.at);
      cut.at += part;
      body_left_ -= part;
      if (!body_is_forwarded_) cut.run = cut.at;
      if (body_left_ > 0) break;
    }
    if (bytes.size() - cut.at < header_size) break;
    const Header header = read_header(bytes.data() + cut.at);
    if (!valid(header) || header.length > length_max) {
      refuse_length(header);
      break;
    }
    const std::size_t there = std::min(header.total(), bytes.size() - cut.at);
    const Take taken = take(cut, header, bytes.substr(cut.at, there));
    if (taken == Take::stop || taken == Take::incomplete) break;
    pool_->statistics().note(static_cast<FrontendType>(header.type));
    if (taken == Take::drop) forward_run(cut);
    cut.at += there;
    if (taken == Take::drop) cut.run = cut.at += std::exchange(cut.more, 0);
    body_left_ = header.total() - there;
    body_is_forwarded_ = taken == Take::forward;
  }
  forward_run(cut);
  if (unanswered_.is_open) keep_unanswered(bytes.substr(0, cut.at));
  release_if_done();
  return cut.at;
}

// A COPY waits for data and ignores a Flush: no answers will come to wait for. PostgreSQL ends the connection
// too.
ClientSession::Take ClientSession::refuse_in_copy() {
  return refuse(sqlstate::protocol_violation, "unexpected message during COPY from stdin");
}

void ClientSession::refuse_length(const Header& header) {
  if (!valid(header)) {
    refuse(sqlstate::protocol_violation, "invalid message length");
    return;
  }
  ++context_.pools().counters().client_packet_limits;
  refuse(sqlstate::program_limit_exceeded,
         "message of " + std::to_string(header.total()) + " bytes exceeds max_packet_size");
}

ClientSession::Take ClientSession::take(Cut& cut, const Header& header, std::string_view message) {
  const auto type = static_cast<FrontendType>(header.type);
  plain_text_ = {};
  if (type == FrontendType::terminate) {
    forward_run(cut);
    leave();
    return Take::stop;
  }
  if (skip_ != Skip::nothing) return skip_message(type);
  switch (type) {
    case FrontendType::sync:
      return take_sync(cut);
    case FrontendType::flush:
      return server_ != nullptr ? Take::forward : Take::drop;
    case FrontendType::close:
      return take_close(cut, header, message);
    case FrontendType::copy_data:
    case FrontendType::copy_done:
    case FrontendType::copy_fail:
      return take_copy(type);
    default:
      break;
  }
  // What a statement does to its session its whole text must tell.
  const bool is_text = type == FrontendType::query || type == FrontendType::parse;
  if (is_text && message.size() < header.total() && header.total() <= text_wait_max) return Take::incomplete;
  if (const Take alone = take_alone(cut, type, message); alone != Take::forward) return alone;
  if (const Take wanted = want_server(cut, type, message); wanted != Take::forward) return wanted;
  listen_for(cut, header, message);
  switch (type) {
    case FrontendType::query:
      return take_query(cut, header, message);
    case FrontendType::function_call:
      server_->suspect(Residue::anything);
      server_->expect({.kind = RequestKind::function_call});
      return Take::forward;
    case FrontendType::parse:
      return take_parse(cut, header, message);
    case FrontendType::bind:
      return take_bind(cut, header, message);
    case FrontendType::describe:
      return take_describe(cut, header, message);
    case FrontendType::execute:
      server_->expect({.kind = RequestKind::execute});
      return Take::forward;
    default:
      break;
  }
  return Take::stop;
}

// The messages that need a server: is there one, and if not, is it time to ask for it?
ClientSession::Take ClientSession::want_server(const Cut& cut, FrontendType type, std::string_view message) {
  switch (type) {
    case FrontendType::query:
    case FrontendType::function_call:
    case FrontendType::parse:
    case FrontendType::bind:
    case FrontendType::describe:
    case FrontendType::execute:
      break;
    default:
      return refuse(sqlstate::protocol_violation,
                    "invalid frontend message type " + std::to_string(static_cast<unsigned char>(type)));
  }
  was_reset_ = false;
  if (server_ != nullptr) {
    if (server_->is_unproved() && !may_ride_too(cut)) {
      is_stalled_ = true;
      return Take::stop;
    }
    const bool is_at_rest = server_->pipeline().at_rest();
    if (is_at_rest) since_ = context_.world().loop.now();
    // An audit or a hand-over may be under way: what is the client's first is so behind it too.
    const bool is_next = is_at_rest || server_->is_busy_with_own_only();
    if (is_next && !is_at_rest && has_open_resets_) {  // it would run before the audit knows
      is_stalled_ = true;
      return Take::stop;
    }
    if (is_next) {
      note_asked();
      if (look_ahead(type, message)) meet_sequences();
      if (!unanswered_.is_open &&
          is_free_to_go()) {  // behind queries of ours, that are about what went before it
        begin_unanswered();
        unanswered_.from = cut.at;
      }
      begin_on_server();
    }
    return Take::forward;
  }
  if (!asks_for_answer(cut.bytes.substr(cut.at))) return Take::incomplete;
  look_ahead(type, message);
  if (ServerConnection* const server = pool_->checkout(*this)) {
    attach(*server, cut.bytes.substr(cut.at));
    unanswered_.from = cut.at;
    return is_stalled_ ? Take::stop : Take::forward;
  }
  become(State::waiting);
  tell_of_wake();
  return Take::stop;
}

void ClientSession::note_asked() {
  asked_at_ = context_.world().loop.now();
  requested_at_ = coarse(asked_at_);
  if (transaction_began_ == TimePoint{}) transaction_began_ = asked_at_;
}

void ClientSession::tell_of_wake() {
  if (context_.pools().settings().wake_notice == Switch::off) return;
  if (context_.pools().broker().upstream().state() == Upstream::State::awake) return;
  ++context_.pools().counters().wake_notices;
  write_error(
      outlet_.buffer(),
      {Severity::notice, std::string(sqlstate::successful_completion), "the database is waking", {}, {}});
}

void ClientSession::attach(ServerConnection& server, std::string_view ahead) {
  server_ = &server;
  asks_since_ = TimePoint::max();
  begin_unanswered();
  server.lease_to(*this);
  if (is_kept_apart() && pool_->reads_sequences()) meet_sequences();
  if (server.residue().is_seeded() && server.claimant() != id_) server.reseed(random_seed());
  if (server.parameters() != parameters_) {
    // What can't be refused rides in front of the request.
    is_stalled_ = may_be_refused(*server.parameters(), *parameters_);
    ++context_.pools().counters().replays;
    server.take_parameters(parameters_);
  }
  // It might not be told whether what it writes there was written.
  if (server.is_probing() && repeatable_batch(ahead) != Repeatable::always) is_stalled_ = true;
  begin_on_server();
  become(State::active);
  transaction_began_ = {};  // that of a server that was lost counts no more
  note_asked();
}

ClientSession::Take ClientSession::take_query(Cut& cut, const Header& header, std::string_view message) {
  Request request{.kind = RequestKind::query};
  const bool is_whole = message.size() == header.total();
  const std::string_view sql = is_whole ? message.substr(header_size, header.body_size() - 1) : "";
  const StatementEffect& effect = is_whole && is_kept_apart() ? effect_of(sql) : plain_effect;
  if (!lend_for_query(cut, effect)) return wait_for_answers(cut);
  if (server_->pipeline().at_rest()) {
    server_->forget_unnamed();
    if (statements_) statements_->forget_unnamed();
  } else {
    request = ending_unnamed(RequestKind::query);
  }
  if (!is_whole) {
    server_->suspect(Residue::anything);
    server_->expect(request);
    return Take::forward;
  }
  if (statements_ && deallocates(sql)) {
    forward_run(cut);
    prepare_stand_in();
    MessageWriter(server_->gather(), FrontendType::query).cstring(deallocate_stand_in);
    server_->expect(request);
    return Take::drop;
  }
  if (!is_kept_apart()) {
    server_->expect(request);
    return Take::forward;
  }
  was_reset_ = takes_to_start(effect, sql);
  note(effect);
  server_->expect(request);
  ReportedParameters again = values_reset_by(effect);
  if (!again.empty() && !resets_for_certain(effect)) {
    has_open_resets_ = true;
    again.clear();
  }
  if (again.empty() && lent_.empty()) return Take::forward;
  forward_run(cut);
  server_->send(message);
  take_names_back();
  if (!again.empty()) server_->restore(again);
  return Take::drop;
}

ClientSession::Take ClientSession::take_sync(Cut& cut) {
  if (server_ == nullptr || block_ != Block::none) {
    write_own_ready();
    return Take::drop;
  }
  server_->expect({.kind = RequestKind::sync});
  if (to_restore_.empty() && lent_.empty()) return Take::forward;
  forward_run(cut);
  MessageWriter(server_->gather(), FrontendType::sync);
  take_names_back();
  if (!to_restore_.empty()) server_->restore(std::exchange(to_restore_, {}));
  return Take::drop;
}

// COPY data that comes when its COPY is over is thrown away, as PostgreSQL does.
ClientSession::Take ClientSession::take_copy(FrontendType type) {
  if (server_ == nullptr || !server_->pipeline().expects_copy()) return Take::drop;
  if (type != FrontendType::copy_data) server_->expect({.kind = RequestKind::copy_end});
  return Take::forward;
}

// Failing and refusing
// -----------------------------------------------------------------------------------------------

// The request at the front of the inbox can't be served. The client stays: it gets the error and is then as
// it was.
void ClientSession::fail_request(PgError error) {
  become(State::idle);
  error.severity = Severity::error;  // FATAL would be the end of the session, and only the request fails
  if (block_ == Block::failed && is_refused_in_failed_block(inbox_.kept())) {
    error = {Severity::error,
             std::string(sqlstate::in_failed_transaction),
             "current transaction is aborted, commands ignored until end of transaction block",
             {},
             {}};
  }
  note_error(error);
  write_error(outlet_.buffer(), error);
  const auto type = static_cast<FrontendType>(inbox_.kept().front());
  const bool is_simple = type == FrontendType::query || type == FrontendType::function_call;
  skip_ = is_simple ? Skip::message : Skip::to_sync;
  if (block_ == Block::begun) block_ = Block::failed;
  if (is_simple) write_own_ready();
  go_on();
}

ClientSession::Take ClientSession::skip_message(FrontendType type) {
  if (skip_ == Skip::message) {
    skip_ = Skip::nothing;
  } else if (type == FrontendType::sync) {
    skip_ = Skip::nothing;
    write_own_ready();
  }
  return Take::drop;
}

ClientSession::Take ClientSession::refuse(std::string_view code, std::string message) {
  end({Severity::fatal, std::string(code), std::move(message), {}, {}});
  return Take::stop;
}

// Giving back
// --------------------------------------------------------------------------------------------------------

void ClientSession::release_if_done() {
  if (state_ != State::active || !server_->pipeline().at_rest() || is_stalled_) return;
  if (body_left_ > 0 && body_is_forwarded_) return;
  if (server_->pipeline().status() != TransactionStatus::idle) {
    if (pool_->settings().pool_mode == PoolMode::statement) {
      refuse(sqlstate::protocol_violation,
             "transaction blocks are not allowed in statement pooling (pool_mode)");
    }
    return;
  }
  if (is_kept_apart() && server_->residue().needs_audit()) return begin_audit();
  if (hand_over()) return;
  if (pool_->settings().pool_mode != PoolMode::session && !server_->residue().is_pinned()) {
    give_back();
    become(State::idle);
  }
  if (context_.is_draining()) drain();
}

void ClientSession::give_back() {
  leave_sequences();
  ServerConnection& server = *std::exchange(server_, nullptr);
  server.flush();
  is_stalled_ = false;
  was_reset_ = is_at_start_ = false;
  unanswered_.close();
  pins_ = unknown_pins_ = {};
  to_restore_.clear();
  lent_.clear();
  calls_ = judged_ = {};
  const bool is_at_known_point = (server.pipeline().at_rest() || server.is_busy_with_own_only()) &&
                                 !(body_left_ > 0 && body_is_forwarded_);
  if (is_at_known_point) {
    pool_->checkin(server);
  } else if (server.is_unproved() && body_left_ == 0) {
    pool_->let_log_in(server);
  } else {
    pool_->discard(server);
  }
}

}  // namespace ballast
