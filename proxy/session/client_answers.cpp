// What a client is answered: errors in its own names, and what follows when its answers have come.
#include <algorithm>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

void ClientSession::on_answer(std::string_view bytes) {
  if (unanswered_.is_open) note_beginning(bytes.size());
  pool_->statistics().bytes_sent.add(bytes.size());
  outlet_.send(*stream_, bytes);
}

// Until it leaves it can be taken back: a server that is being shut down may answer half of a request.
void ClientSession::note_beginning(std::size_t size) {
  if (!unanswered_.has_begun) unanswered_.answer_from = outlet_.size();
  unanswered_.has_begun = true;
  unanswered_.is_open = unanswered_.last_words.empty() && outlet_.gathers(size);
  if (!unanswered_.is_open) outlet_.buffer() += std::exchange(unanswered_.last_words, {});
}

void ClientSession::flush_answers() {
  if (unanswered_.has_begun) {
    unanswered_.is_open = unanswered_.has_begun = false;
    unanswered_.resends = 0;
    unanswered_.lost_at = {};
  }
  outlet_.flush(*stream_);
}

std::string ClientSession::statement_name(const Request& request) const {
  return request.name != 0 && statements_ ? statements_->name_of(request.name) : std::string();
}

void ClientSession::on_error(std::string_view message, std::string_view statement_name) {
  if (was_told_why_) return;  // a dying server may say so twice
  if (!calls_.names.empty()) calls_.were_undone = true;
  const std::string_view body = message.substr(header_size);
  const PgError error = read_error(body);
  const bool is_notice = message.front() == static_cast<char>(BackendType::notice_response);
  if ((error.severity == Severity::fatal || is_notice) && may_resend()) {  // the connection is about to end
    unanswered_.last_words = message;
    return;
  }
  unanswered_.is_open = false;
  pool_->statistics().bytes_sent.add(message.size());
  if (!is_notice) context_.pools().errors().note(ErrorCounters::Source::server, error.sqlstate);
  was_reset_ = false;
  if (error.severity == Severity::fatal) was_told_why_ = true;
  // The schema has changed, and not through us.
  if (error.sqlstate == sqlstate::feature_not_supported && !statement_name.empty())
    context_.pools().broker().schema_changed();
  const std::size_t ours = statement_name.empty() ? std::string_view::npos : body.find(server_name_prefix);
  if (ours == std::string_view::npos) return outlet_.send(*stream_, message);
  // The server speaks of a statement by the name that we gave it.
  const std::size_t digits = ours + server_name_prefix.size();
  const std::size_t end = std::min(body.find_first_not_of("0123456789", digits), body.size());
  const std::string renamed = replace_in_error(body, body.substr(ours, end - ours), statement_name);
  MessageWriter(outlet_.buffer(), BackendType::error_response).bytes(renamed);
}

// One of our own making.
void ClientSession::note_error(const PgError& error) {
  context_.pools().errors().note(ErrorCounters::Source::ballast, error.sqlstate);
}

// A value that is there for the transaction only, or one that is the server's own too, looks as any other:
// the server is asked.
void ClientSession::on_parameters_changed() {
  if (is_kept_apart()) return server_->suspect(Residue::settings);
  parameters_ = server_->parameters();
}

void ClientSession::on_transaction_end() {
  ++pool_->statistics().transactions;
  if (transaction_began_ == TimePoint{}) return;
  pool_->note_transaction(context_.world().loop.now() - std::exchange(transaction_began_, {}));
}

void ClientSession::on_answers_end() {
  flush_answers();
  if (state_ == State::proving) {
    if (server_->pipeline().at_rest() && parameters_->proven()) {
      context_.pools().broker().logins().remember(pool_->key(), parameters_->values, parameters_->reported);
      give_back();
      welcome();
    }
    return settle_down();
  }
  if (is_stalled_ && server_->pipeline().copying_in()) {
    refuse_in_copy();
    return;
  }
  if (is_stalled_ && server_->pipeline().queue_empty()) {
    is_stalled_ = false;
    go_on();
  }
  if (state_ == State::active && server_->pipeline().at_rest()) {
    since_ = context_.world().loop.now();
    if (asked_at_ != TimePoint{}) pool_->note_answer(since_ - std::exchange(asked_at_, {}));
  }
  release_if_done();
  settle_down();
}

void ClientSession::on_server_drained() {
  go_on();
  settle_down();
}

}  // namespace ballast
