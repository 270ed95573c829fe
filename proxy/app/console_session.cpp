#include "proxy/app/console_session.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/base/log.hpp"

namespace ballast {

namespace {

using Kind = ConsoleCommand::Kind;

// A client that says nothing of itself is an old one: Debian's exporter for Prometheus, which asks for
// columns by names that PgBouncer gave up with 1.8 and 1.24. A newer exporter would count those twice.
ColumnNames names_for(const StartupMessage& startup) {
  return startup.parameters.empty() ? ColumnNames::present_and_former : ColumnNames::present;
}

}  // namespace

ConsoleSession::ConsoleSession(ConsoleClient client, ConsoleHost& host)
    : host_(host),
      stream_(std::move(client.stream)),
      inbox_(std::move(client.inbox)),
      outlet_(std::move(client.outlet)),
      startup_(std::move(client.startup)),
      cancel_secret_(std::move(client.cancel_secret)),
      id_(client.id),
      connected_at_(host.loop().now()),
      asked_at_(connected_at_),
      names_(names_for(startup_)) {}

// As PgBouncer's: drivers look at the version for what they may ask.
void ConsoleSession::welcome() {
  std::string& out = outlet_.buffer();
  const auto report = [&out](std::string_view name, std::string_view value) {
    MessageWriter(out, BackendType::parameter_status).cstring(name).cstring(value);
  };
  report("server_version", "1.25.0/ballast");
  report("client_encoding", "UTF8");
  report("server_encoding", "UTF8");
  report("DateStyle", "ISO");
  report("TimeZone", "GMT");
  report("standard_conforming_strings", "on");
  report("integer_datetimes", "on");
  report("is_superuser", "on");
  process_id_ = host_.cancel_keys().issue(*this);
  MessageWriter(out, BackendType::backend_key_data).int32(process_id_).bytes(cancel_secret_);
  write_ready();
  go_on();
}

// Reading
// ----------------------------------------------------------------------------------------------------------

void ConsoleSession::on_readable() {
  const Inbox::Got got = inbox_.read(*stream_);
  if (got.status == IoStatus::would_block) return;
  if (got.status != IoStatus::ok) return finish();
  inbox_.keep(got.bytes);
  go_on();
}

void ConsoleSession::on_writable() { go_on(); }

// What waits: the rest of a Query, then what has come behind it.
void ConsoleSession::go_on() {
  outlet_.flush(*stream_);
  while (can_take()) {
    if (!statements_to_run_.empty()) {
      run_next_statement();
    } else if (!take_message()) {
      break;
    }
    outlet_.flush(*stream_);
  }
  settle_down();
}

bool ConsoleSession::can_take() const { return state_ == State::idle && !outlet_.congested(); }

// False: there is none.
bool ConsoleSession::take_message() {
  const std::string_view bytes = inbox_.kept();
  if (bytes.size() < header_size) return false;
  const Header header = read_header(bytes.data());
  if (!valid(header) || header.length > message_max) {
    refuse(sqlstate::program_limit_exceeded,
           "a message to the console is longer than " + std::to_string(message_max) + " bytes, or is none");
    return false;
  }
  if (bytes.size() < header.total()) return false;
  const std::string body(bytes.substr(header_size, header.body_size()));
  inbox_.keep(bytes.substr(header.total()));
  take(static_cast<FrontendType>(header.type), body);
  return true;
}

void ConsoleSession::take(FrontendType type, std::string_view body) {
  if (type == FrontendType::terminate) return finish();
  if (skips_to_sync_ && type != FrontendType::sync) return;
  asked_at_ = host_.loop().now();
  protocol_ = type == FrontendType::query ? Protocol::simple : Protocol::extended;
  switch (type) {
    case FrontendType::query:
      return take_query(body);
    case FrontendType::parse:
      return take_parse(body);
    case FrontendType::bind:
      return take_bind(body);
    case FrontendType::describe:
      return take_describe(body);
    case FrontendType::execute:
      return take_execute(body);
    case FrontendType::close:
      return take_close(body);
    case FrontendType::sync:
      return take_sync();
    case FrontendType::flush:
      return;
    default:
      refuse(sqlstate::protocol_violation,
             "invalid frontend message type " + std::to_string(static_cast<unsigned char>(type)));
  }
}

void ConsoleSession::take_query(std::string_view body) {
  Reader reader(body);
  const std::string_view text = reader.cstring();
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  for (const std::string_view statement : split_statements(text)) statements_to_run_.emplace_back(statement);
  if (statements_to_run_.empty()) {
    MessageWriter(outlet_.buffer(), BackendType::empty_query_response);
    write_ready();
  }
}

// Running
// ----------------------------------------------------------------------------------------------------------

void ConsoleSession::run_next_statement() {
  const std::string statement = std::move(statements_to_run_.front());
  statements_to_run_.pop_front();
  ReadCommand read = read_command(statement);
  if (!read.error.message.empty()) return fail(std::move(read.error));
  run(read.command);
}

void ConsoleSession::run(const ConsoleCommand& command) {
  running_ = command;
  state_ = State::busy;
  switch (command.kind) {
    case Kind::transaction:
      status_ = command.argument == "COMMIT" || command.argument == "ROLLBACK"
                    ? TransactionStatus::idle
                    : TransactionStatus::in_transaction;
      return complete({});
    case Kind::show_parameter:
    case Kind::set_parameter:
      return complete(answer_parameter(command));
    default:
      patience_ = {};
      host_.ask(*this, {startup_.user, command, names_, patience_});
  }
}

void ConsoleSession::cancel(std::function<void()> done) {
  if (state_ == State::busy) patience_.end(Patience::End::canceled);
  done();
}

ConsoleAnswer ConsoleSession::answer_parameter(const ConsoleCommand& command) const {
  ConsoleAnswer made;
  if (command.kind == Kind::set_parameter) {
    made.notice = {Severity::notice, std::string(sqlstate::successful_completion), "SET ignored", {}, {}};
  } else {
    made.table = {columns_of(command, names_), {{command.value}}};
  }
  return made;
}

void ConsoleSession::answer(ConsoleAnswer answer) {
  if (state_ != State::busy) return;  // it has been told to go meanwhile
  complete(std::move(answer));
  go_on();
}

void ConsoleSession::complete(ConsoleAnswer answer) {
  state_ = State::idle;
  asked_at_ = host_.loop().now();
  Portal* const portal = std::exchange(portal_, nullptr);
  if (!answer.error.message.empty()) return fail(std::move(answer.error));
  if (!answer.notice.message.empty()) write_error(outlet_.buffer(), answer.notice);
  if (portal != nullptr) {
    portal->table = std::move(answer.table);
    return send_rows(*portal);
  }
  write_table(answer.table);
  if (statements_to_run_.empty()) write_ready();
}

void ConsoleSession::write_table(const ConsoleTable& table) {
  std::string& out = outlet_.buffer();
  const ResultFormats formats;
  if (!table.columns.empty()) write_row_description(out, table.columns, formats);
  for (const Row& row : table.rows) write_data_row(out, table.columns, row, formats);
  MessageWriter(out, BackendType::command_complete).cstring(tag_of(running_));
}

// The end of a request
// ----------------------------------------------------------------------------------------------------------

void ConsoleSession::fail(PgError error) {
  log::info(name(), "console: " + error.message);
  write_error(outlet_.buffer(), error);
  statements_to_run_.clear();
  if (protocol_ == Protocol::simple) {
    write_ready();
  } else {
    skips_to_sync_ = true;
  }
}

void ConsoleSession::write_ready() {
  MessageWriter(outlet_.buffer(), BackendType::ready_for_query).byte(static_cast<char>(status_));
}

void ConsoleSession::tick(TimePoint now, Milliseconds idle_max, Milliseconds last_word_max) {
  const auto is_overdue = [this, now](Milliseconds limit) {
    return limit.count() > 0 && now - asked_at_ >= limit;
  };
  if (state_ == State::idle && is_overdue(idle_max)) {
    asked_at_ = now;
    end(fatal(sqlstate::idle_session_timeout, "terminating connection due to client_idle_timeout"));
  } else if (state_ == State::flushing && is_overdue(last_word_max)) {
    finish();
  }
}

void ConsoleSession::settle_down() {
  if (state_ == State::ended) return;
  outlet_.flush(*stream_);
  if (outlet_.broken()) return finish();
  if (state_ == State::flushing && outlet_.empty()) return finish();
  // Also while it is at work, so that it notices who leaves.
  const bool reads = can_take() || (state_ == State::busy && inbox_.kept().size() < message_max);
  const auto interest = static_cast<Interest>((reads ? 1 : 0) | (outlet_.congested() ? 2 : 0));
  if (interest != interest_) stream_->listen(this, interest_ = interest);
}

void ConsoleSession::refuse(std::string_view code, std::string message) {
  end(fatal(code, std::move(message)));
}

void ConsoleSession::end(const PgError& why) {
  if (state_ == State::ended || state_ == State::flushing) return;
  log::info(name(), "console: closing: " + why.message);
  patience_.end(Patience::End::left);
  write_error(outlet_.buffer(), why);
  state_ = State::flushing;
  settle_down();
}

void ConsoleSession::finish() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  patience_.end(Patience::End::left);
  if (process_id_ != 0) host_.cancel_keys().forget(process_id_);
  stream_->listen(nullptr, Interest::none);
  host_.on_console_ended(*this);
}

}  // namespace ballast
