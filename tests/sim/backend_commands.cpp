// Simple queries, and what each command does.
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "tests/sim/backend.hpp"

namespace ballast::sim {

using Kind = Command::Kind;

void Backend::begin_script(std::string_view text, std::string& out) {
  start_transaction();
  statements_.erase("");
  const auto commands = parse_sql(text);
  if (!commands) {
    fail("42601", "syntax error in \"" + std::string(text.substr(0, 20)) + "\"", out);
    return end_script(out);
  }
  script_.assign(commands->begin(), commands->end());
  is_in_script_ = true;
  is_implicit_block_ = script_.size() > 1;
  if (script_.empty()) {
    MessageWriter(out, BackendType::empty_query_response);
    end_script(out);
  }
}

// Runs the next command; at the last one's end the query is over.
void Backend::continue_script(std::string& out) {
  if (script_.empty()) return end_script(out);
  const Command command = std::move(script_.front());
  script_.pop_front();
  start_transaction();
  if (refuse_in_failed_block(&command, out)) return end_script(out);
  portals_.erase("");  // each command of a script has the unnamed portal for itself
  if (command.returns_rows() && command.kind != Kind::sleep) describe_row(out);
  if (run(command, out) == Ended::failed) end_script(out);
}

void Backend::end_script(std::string& out) {
  script_.clear();
  is_in_script_ = false;
  is_implicit_block_ = false;
  finish_transaction();
  ready(out);
}

void Backend::ready(std::string& out) {
  settings_.report_changes(out);
  MessageWriter(out, BackendType::ready_for_query).byte(static_cast<char>(block_));
  is_flush_due_ = true;
  ++demands_;
}

void Backend::complete(std::string_view tag, std::string& out) {
  MessageWriter(out, BackendType::command_complete).cstring(tag);
}

void Backend::notice(Severity severity, std::string_view sqlstate, std::string_view text, std::string& out) {
  write_error(out, {severity, std::string(sqlstate), std::string(text), {}, {}});
  is_flush_due_ = true;
}

void Backend::fail(std::string_view sqlstate, std::string text, std::string& out) {
  fail({Severity::error, std::string(sqlstate), std::move(text), {}, {}}, out);
}

void Backend::fail(const PgError& error, std::string& out) {
  write_error(out, error);
  is_flush_due_ = true;
  is_skipping_ = is_extended_;
  abort();
}

// In a failed block nothing runs but its end.
bool Backend::refuse_in_failed_block(const Command* command, std::string& out) {
  if (block_ != Block::failed || (command != nullptr && command->ends_transaction())) return false;
  fail("25P02", "current transaction is aborted, commands ignored until end of transaction block", out);
  return true;
}

void Backend::describe_row(std::string& out) {
  MessageWriter message(out, BackendType::row_description);
  message.int16(2);
  for (const std::string_view name : {"token", "settings"}) {
    message.cstring(name).int32(0).int16(0).int32(25).int16(-1).int32(-1).int16(0);
  }
}

void Backend::send_rows(const Command& command, int count, std::string& out) {
  const std::string text = settings_.text();
  const auto size = static_cast<std::size_t>(command.kind == Kind::rows ? command.size : 0);
  for (int i = 0; i < count; ++i) {
    std::string first = command.token;
    if (first.size() < size) first.resize(size, static_cast<char>('a' + i % 26));
    MessageWriter(out, BackendType::data_row)
        .int16(2)
        .int32(static_cast<std::int32_t>(first.size()))
        .bytes(first)
        .int32(static_cast<std::int32_t>(text.size()))
        .bytes(text);
  }
  tokens_.push_back(command.token);
}

Backend::Ended Backend::run(const Command& command, std::string& out) {
  is_untouched_ = false;
  switch (command.kind) {
    case Kind::select:
    case Kind::rows: {
      const int count = command.kind == Kind::rows ? command.count : 1;
      send_rows(command, count, out);
      complete("SELECT " + std::to_string(count), out);
      return Ended::done;
    }
    case Kind::sleep:
      is_sleeping_ = true;
      is_sleep_extended_ = is_extended_;
      sleeping_ = command;
      tokens_.push_back(command.token);
      return Ended::pending;
    case Kind::copy_in:
      begin_copy(command, out);
      return Ended::pending;
    case Kind::copy_out:
      copy_out(command, out);
      return Ended::done;
    case Kind::begin:
    case Kind::commit:
    case Kind::rollback:
      return run_transaction_command(command, out);
    case Kind::set:
    case Kind::set_local:
    case Kind::set_config:
    case Kind::reset:
      return run_setting(command, out);
    case Kind::fail:
      fail("22012", "division by zero", out);
      return Ended::failed;
    case Kind::notice:
      notice(Severity::notice, "00000", command.token, out);
      break;
    case Kind::ddl:
      complete("CREATE TABLE", out);
      return Ended::done;
    case Kind::discard_all:
    case Kind::deallocate_all:
      return run_discard(command, out);
    case Kind::audit:
      run_audit(command, out);
      return Ended::done;
    case Kind::limits:
      tell_limits(out);
      return Ended::done;
  }
  complete("DO", out);
  return Ended::done;
}

Backend::Ended Backend::run_transaction_command(const Command& command, std::string& out) {
  if (command.kind == Kind::begin) {
    if (block_ == Block::open)
      notice(Severity::warning, "25001", "there is already a transaction in progress", out);
    is_untouched_ = block_ == Block::none;
    if (is_untouched_) has_failed_untouched_ = false;
    block_ = Block::open;
    complete("BEGIN", out);
    return Ended::done;
  }
  if (block_ == Block::none) notice(Severity::warning, "25P01", "there is no transaction in progress", out);
  const bool commits = command.kind == Kind::commit && block_ != Block::failed;
  commits ? commit() : roll_back();
  complete(commits ? "COMMIT" : "ROLLBACK", out);
  return Ended::done;
}

Backend::Ended Backend::run_setting(const Command& command, std::string& out) {
  std::optional<PgError> error;
  if (command.kind == Kind::reset) {
    error = settings_.reset(command.name);
  } else if (command.kind == Kind::set_local) {
    if (block_ == Block::none && !is_implicit_block_) {
      notice(Severity::warning, "25P01", "SET LOCAL can only be used in transaction blocks", out);
    }
    error = settings_.set(command.name, command.value, SetScope::transaction);
  } else {
    error = settings_.set(command.name, command.value, SetScope::session);
  }
  if (error) {
    fail(*error, out);
    return Ended::failed;
  }
  if (command.kind == Kind::set_config) {
    Command row = command;
    row.token = command.value;
    send_rows(row, 1, out);
    tokens_.pop_back();
    complete("SELECT 1", out);
  } else {
    complete(command.kind == Kind::reset ? "RESET" : "SET", out);
  }
  return Ended::done;
}

Backend::Ended Backend::run_discard(const Command& command, std::string& out) {
  if (command.kind == Kind::discard_all) {
    if (block_ != Block::none || is_implicit_block_ || has_pipelined_) {
      fail("25001", "DISCARD ALL cannot run inside a transaction block", out);
      return Ended::failed;
    }
    settings_.reset_all();
  }
  std::erase_if(statements_, [](const auto& entry) { return !entry.first.empty(); });
  complete(command.kind == Kind::discard_all ? "DISCARD ALL" : "DEALLOCATE ALL", out);
  return Ended::done;
}

void Backend::run_audit(const Command& command, std::string& out) {
  if (command.name == "s") {
    for (const auto& [name, value] : settings_.set_by_session()) {
      MessageWriter row(out, BackendType::data_row);
      row.int16(3).int32(1).byte('s');
      row.int32(static_cast<std::int32_t>(name.size())).bytes(name);
      row.int32(static_cast<std::int32_t>(value.size())).bytes(value);
    }
  }
  complete("SELECT", out);
}

void Backend::tell_limits(std::string& out) {
  const std::string max = std::to_string(max_connections_ > 0 ? max_connections_ : 100);
  MessageWriter(out, BackendType::data_row)
      .int16(3)
      .int32(static_cast<std::int32_t>(max.size()))
      .bytes(max)
      .int32(1)
      .byte('0')
      .int32(-1);
  complete("SELECT 1", out);
}

// COPY --------------------------------------------------------------------------------------------

void Backend::copy_out(const Command& command, std::string& out) {
  tokens_.push_back(command.token);
  MessageWriter(out, BackendType::copy_out_response).byte(0).int16(1).int16(0);
  std::string row = command.token;
  row.resize(std::max(row.size(), static_cast<std::size_t>(command.size)), 'o');
  for (int i = 0; i < command.count; ++i) MessageWriter(out, BackendType::copy_data).bytes(row).byte('\n');
  MessageWriter(out, BackendType::copy_done);
  complete("COPY " + std::to_string(command.count), out);
}

void Backend::begin_copy(const Command& command, std::string& out) {
  tokens_.push_back(command.token);
  copy_ = {.is_active = true, .is_extended = is_extended_, .token = command.token, .rows = 0};
  MessageWriter(out, BackendType::copy_in_response).byte(0).int16(1).int16(0);
  is_flush_due_ = true;
  if (!is_extended_) ++demands_;
}

void Backend::take_copy_message(const Message& message, std::string& out) {
  switch (static_cast<FrontendType>(message.type)) {
    case FrontendType::copy_data:
      tokens_.push_back(message.body.substr(0, message.body.find(' ')));
      if (std::exchange(is_cancel_due_, false)) {
        return fail_copy(
            {Severity::error, "57014", "canceling statement due to user request", "by the server", {}}, out);
      }
      if (message.body.ends_with("bad")) {
        return fail_copy({Severity::error, "22P04", "extra data after last expected column", {}, {}}, out);
      }
      ++copy_.rows;
      return;
    case FrontendType::copy_done:
      return end_copy(out);
    case FrontendType::copy_fail: {
      const std::string reason(Reader(message.body).cstring());
      return fail_copy({Severity::error, "57014", "COPY from stdin failed: " + reason, {}, {}}, out);
    }
    case FrontendType::flush:
    case FrontendType::sync:
      ++demands_;
      return;  // for frontends that send them after an Execute whatever comes of it
    default:
      break;
  }
  // The length of the message has not been read: the server has lost its place in the stream.
  write_error(out, {Severity::error, "08P01", "unexpected message type during COPY from stdin", {}, {}});
  end_with(fatal("08P01", "terminating connection because protocol synchronization was lost"), out);
}

void Backend::end_copy(std::string& out) {
  const bool is_extended = copy_.is_extended;
  complete("COPY " + std::to_string(copy_.rows), out);
  copy_ = {};
  is_cancel_due_ = false;
  if (is_extended) end_portal(Ended::done);
}

void Backend::fail_copy(const PgError& error, std::string& out) {
  is_extended_ = copy_.is_extended;
  copy_ = {};
  is_cancel_due_ = false;
  fail(error, out);
  if (!is_extended_) end_script(out);
}

}  // namespace ballast::sim
