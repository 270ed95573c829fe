// What a server says: walks its messages, gives the lessee's on and keeps what is for us.
#include <algorithm>
#include <array>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"

#include "proxy/pool/server_connection.hpp"

namespace ballast {

namespace {

// Messages that must be read whole; one that claims more than this is no PostgreSQL's.
constexpr std::size_t whole_message_max = 1024 * 1024;

bool must_be_whole(BackendType type) {
  switch (type) {
    case BackendType::error_response:
    case BackendType::parameter_status:
    case BackendType::command_complete:
    case BackendType::ready_for_query:
    case BackendType::notification_response:
      return true;
    default:
      return false;
  }
}

bool may_change_defaults(std::string_view tag) { return tag == "ALTER ROLE" || tag == "ALTER DATABASE"; }

bool changes_schema(std::string_view tag) {
  return tag.starts_with("CREATE ") || tag.starts_with("ALTER ") || tag.starts_with("DROP ");
}

// What may have called nextval() without a word of it in the statement.
bool may_draw(std::string_view tag) {
  constexpr std::array<std::string_view, 7> tags{"INSERT ", "UPDATE ", "DELETE ", "MERGE ",
                                                 "COPY ",   "CALL",    "DO"};
  return std::any_of(tags.begin(), tags.end(),
                     [tag](std::string_view each) { return tag.starts_with(each); });
}

PgError lost(std::string message) {
  return {Severity::fatal, std::string(sqlstate::connection_failure), std::move(message), {}, {}};
}

}  // namespace

void ServerConnection::read_on(std::string_view bytes) {
  is_relaying_ = true;
  std::size_t used = is_logging_in() ? advance_login(bytes) : 0;
  if (!is_logging_in() && !broken_) used += relay(bytes.substr(used));
  is_relaying_ = false;
  if (!broken_) inbox_.keep(bytes.substr(used));
}

// Walks the messages in `bytes` and returns how many bytes are done with. What goes to the lessee unchanged
// goes in runs as long as possible: `run` is where the present one began.
std::size_t ServerConnection::relay(std::string_view bytes) {
  std::size_t at = 0;
  std::size_t run = 0;
  const auto give_run = [&] {
    if (at > run && lessee_ != nullptr) lessee_->on_answer(bytes.substr(run, at - run));
    run = at;
  };
  while (true) {
    if (body_left_ > 0) {
      const std::size_t part = std::min(body_left_, bytes.size() - at);
      at += part;
      body_left_ -= part;
      if (!body_is_forwarded_) run = at;
      if (body_left_ > 0) break;
    }
    if (bytes.size() - at < header_size) break;
    const Header header = read_header(bytes.data() + at);
    const std::size_t there = std::min(header.total(), bytes.size() - at);
    const Handled handled = handle_message(header, bytes.substr(at, there));
    if (handled == Handled::incomplete) break;
    if (handled != Handled::forwarded) give_run();
    if (handled == Handled::ended) {
      end();
      return at;
    }
    if (handled == Handled::error && lessee_ != nullptr) {
      lessee_->on_error(bytes.substr(at, there), error_name_);
    }
    if (handled == Handled::notification) {
      is_waiting_ = lessee_->on_notification(bytes.substr(at, there)) == Lessee::Heard::wait;
      if (is_waiting_) break;
    }
    at += there;
    if (handled != Handled::forwarded) run = at;
    body_left_ = header.total() - there;
    body_is_forwarded_ = handled == Handled::forwarded;
    if (broken_) break;
  }
  give_run();
  return at;
}

ServerConnection::Handled ServerConnection::handle_message(const Header& header, std::string_view message) {
  const auto type = static_cast<BackendType>(header.type);
  // Rows are the bulk of all traffic and change no state.
  if (type == BackendType::data_row && pipeline_.forwards_rows() && valid(header)) return Handled::forwarded;
  if (!valid(header)) return ended("the server sent a message of invalid length");
  const OwnQuery own = type == BackendType::data_row ? own_query() : OwnQuery::none;
  const bool is_finding = own == OwnQuery::audit || own == OwnQuery::limits;
  if ((must_be_whole(type) || is_finding) && message.size() < header.total()) {
    return header.total() <= whole_message_max ? Handled::incomplete
                                               : ended("the server sent too long a message");
  }
  const std::string_view body = message.substr(std::min(header_size, message.size()));
  if (is_finding) return own == OwnQuery::audit ? handle_finding(body) : handle_limits(body);
  switch (type) {
    case BackendType::error_response:
      return handle_error(body);
    case BackendType::notice_response:
      return handle_notice(header, message);
    case BackendType::parameter_status:
      return handle_parameter(body);
    case BackendType::ready_for_query:
      return handle_ready(body);
    case BackendType::command_complete:
      return handle_command_complete(body);
    case BackendType::notification_response:
      return lessee_ != nullptr ? Handled::notification : Handled::dropped;
    default:
      return handle_verdict(pipeline_.receive(type));
  }
}

ServerConnection::Handled ServerConnection::handle_verdict(Pipeline::Verdict verdict) {
  switch (verdict) {
    case Pipeline::Verdict::forward:
      return Handled::forwarded;
    case Pipeline::Verdict::drop:
    case Pipeline::Verdict::ours:
      return Handled::dropped;
    case Pipeline::Verdict::async:
      return lessee_ != nullptr && pipeline_.forwarding() ? Handled::forwarded : Handled::dropped;
    case Pipeline::Verdict::violation:
      break;
  }
  return ended("the server sent a message that nothing had asked for");
}

ServerConnection::Handled ServerConnection::ended(const char* why) {
  last_words_ = lost(why);
  return Handled::ended;
}

// A lessee that has all its answers and is between transactions lets go of the server first: its end is no
// concern of that client.
void ServerConnection::end() {
  if (lessee_ != nullptr && pipeline_.at_rest()) {
    retire();
    lessee_->on_answers_end();
  }
  break_with(last_words_);
}

ServerConnection::Handled ServerConnection::handle_error(std::string_view body) {
  // Asked before the failure takes the name's definition back.
  error_name_ =
      lessee_ != nullptr && pipeline_.next() != nullptr ? lessee_->statement_name(*pipeline_.next()) : "";
  const PgError error = read_error(body);
  if (error.severity == Severity::fatal && error.sqlstate.starts_with("57P")) has_said_goodbye_ = true;
  const Pipeline::Verdict verdict = pipeline_.receive(BackendType::error_response);
  if (verdict == Pipeline::Verdict::forward) return Handled::error;
  if (verdict == Pipeline::Verdict::ours) {
    own_error_ = error;
    return Handled::dropped;
  }
  // Nothing was asked: the server says why it is about to go (57P01 and its like).
  last_words_ = error;
  return Handled::ended;
}

// A backend that has to end at once, because another has crashed or by an immediate shutdown, says so by a
// WARNING (postgres.c, quickdie), which is no part of an answer.
ServerConnection::Handled ServerConnection::handle_notice(const Header& header, std::string_view message) {
  constexpr std::size_t farewell_max = 1024;  // these are a few hundred bytes
  if (message.size() < header.total() && header.total() <= farewell_max) return Handled::incomplete;
  const Handled handled = handle_verdict(pipeline_.receive(BackendType::notice_response));
  if (handled != Handled::forwarded || header.total() > farewell_max) return handled;
  const PgError notice = read_error(message.substr(header_size));
  if (notice.severity != Severity::warning || !notice.sqlstate.starts_with("57P")) return handled;
  error_name_.clear();
  return Handled::error;
}

ServerConnection::Handled ServerConnection::handle_parameter(std::string_view body) {
  Reader reader(body);
  const std::string_view name = reader.cstring();
  const std::string_view value = reader.cstring();
  if (!reader.finished()) return ended("the server sent a malformed ParameterStatus");
  reported_.insert_or_assign(std::string(name), std::string(value));
  const OwnQuery own = own_query();
  const bool is_lessees = lessee_ != nullptr && (own == OwnQuery::none || own == OwnQuery::restore);
  if (!is_lessees && own != OwnQuery::rollback) return Handled::dropped;
  parameters_ = owner_.parameter_sets().changed(*parameters_, name, value, owner_.bare_parameters());
  if (!is_lessees) return Handled::dropped;
  if (own == OwnQuery::none) lessee_->on_parameters_changed();
  return Handled::forwarded;
}

ServerConnection::Handled ServerConnection::handle_command_complete(std::string_view body) {
  const std::string_view tag = Reader(body).cstring();
  if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") {
    statements_.clear();
    if (lessee_ != nullptr && pipeline_.forwarding()) lessee_->on_statements_dropped();
  }
  has_drawn_ = has_drawn_ || may_draw(tag);
  may_have_changed_defaults_ = may_have_changed_defaults_ || may_change_defaults(tag);
  if (changes_schema(tag) && !residue_.suspects(Residue::temp_objects)) {
    owner_.on_schema_changed();
    if (lessee_ != nullptr) lessee_->on_schema_changed();
  }
  return handle_verdict(pipeline_.receive(BackendType::command_complete));
}

ServerConnection::Handled ServerConnection::handle_ready(std::string_view body) {
  const char status = Reader(body).byte();
  if (body.size() != 1 || (status != 'I' && status != 'T' && status != 'E')) {
    return ended("the server sent a malformed ReadyForQuery");
  }
  const OwnQuery own = own_query();
  if (own != OwnQuery::probe) active_at_ = loop_.now();
  const auto verdict = pipeline_.receive_ready(static_cast<TransactionStatus>(status));
  if (status == 'I' && std::exchange(may_have_changed_defaults_, false)) owner_.on_defaults_changed();
  if (verdict == Pipeline::Verdict::drop) {
    own_query_done(own);
    return broken_ ? Handled::ended : Handled::dropped;
  }
  if (lessee_ != nullptr && pipeline_.status() == TransactionStatus::idle) lessee_->on_transaction_end();
  return handle_verdict(verdict);
}

void ServerConnection::replace_unnamed(std::uint64_t tag) {
  if (unnamed_.group == 0) unnamed_before_ = unnamed_;
  unnamed_ = {tag, pipeline_.group()};
}

// What a request has done to the unnamed statement, in the order of the answers.
void ServerConnection::settle_unnamed(const Request& request, const Unnamed& result) {
  const bool is_parse = request.kind == RequestKind::parse;
  const bool is_latest = unnamed_.tag == (is_parse ? request.statement : Unnamed::unknown);
  (is_latest ? unnamed_ : unnamed_before_) = result;
}

void ServerConnection::on_answered(const Request& request) {
  if (request.purpose != 0) {
    const bool ends_here = request.kind == RequestKind::parse || request.kind == RequestKind::close;
    if (ends_here) --own_queries_;  // the others at their ReadyForQuery
    return;
  }
  if (request.is_unnamed) {
    const bool is_parse = request.kind == RequestKind::parse;
    settle_unnamed(request, {is_parse ? request.statement : Unnamed::none, 0});
  } else if (request.kind == RequestKind::parse) {
    statements_.confirmed(request.statement);
  } else if (request.kind == RequestKind::close && request.answer == Answer::drop) {
    statements_.closed(request.statement);
  }
  if (request.by_client && lessee_ != nullptr) lessee_->on_request_answered(request);
}

void ServerConnection::on_discarded(const Request& request) {
  if (request.purpose != 0) {
    --own_queries_;
    return;
  }
  if (request.is_unnamed) {
    const bool has_dropped = request.kind == RequestKind::parse && request.has_failed;
    settle_unnamed(request, has_dropped ? Unnamed{} : unnamed_before_);
  } else if (request.kind == RequestKind::parse) {
    statements_.doubt(request.statement);
  } else if (request.kind == RequestKind::close && request.answer == Answer::drop) {
    statements_.restore(request.statement);
  }
  if (request.by_client && lessee_ != nullptr) lessee_->on_request_discarded(request);
}

}  // namespace ballast
