// The extended protocol.
#include <algorithm>
#include <utility>

#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "tests/sim/backend.hpp"

namespace ballast::sim {

namespace {
std::string missing_statement(std::string_view name) {
  if (name.empty()) return "unnamed prepared statement does not exist";
  return "prepared statement \"" + std::string(name) + "\" does not exist";
}
}  // namespace

void Backend::parse(std::string_view body, std::string& out) {
  start_transaction();
  Reader reader(body);
  const std::string name(reader.cstring());
  const std::string_view text = reader.cstring();
  if (name.empty()) statements_.erase("");
  const auto commands = parse_sql(text);
  if (!commands) return fail("42601", "syntax error in \"" + std::string(text.substr(0, 20)) + "\"", out);
  if (commands->size() > 1)
    return fail("42601", "cannot insert multiple commands into a prepared statement", out);
  Statement statement;
  statement.is_empty = commands->empty();
  if (!statement.is_empty) {
    statement.command = commands->front();
    if (refuse_in_failed_block(&statement.command, out)) return;
  }
  if (!name.empty() && statements_.contains(name)) {
    return fail("42P05", "prepared statement \"" + name + "\" already exists", out);
  }
  statements_[name] = std::move(statement);
  MessageWriter(out, BackendType::parse_complete);
}

void Backend::bind(std::string_view body, std::string& out) {
  start_transaction();
  Reader reader(body);
  const std::string portal(reader.cstring());
  const std::string name(reader.cstring());
  for (int formats = reader.int16(); formats > 0; --formats) reader.int16();
  const int count = reader.int16();
  std::string argument;
  for (int i = 0; i < count; ++i) argument = reader.bytes(static_cast<std::size_t>(reader.int32()));
  const auto found = statements_.find(name);
  if (found == statements_.end()) return fail("26000", missing_statement(name), out);
  const Statement& statement = found->second;
  const int wanted = statement.command.takes_parameter ? 1 : 0;
  if (count != wanted) {
    return fail("08P01",
                "bind message supplies " + std::to_string(count) + " parameters, but prepared statement \"" +
                    name + "\" requires " + std::to_string(wanted),
                out);
  }
  if (refuse_in_failed_block(statement.is_empty ? nullptr : &statement.command, out)) return;
  if (!portal.empty() && portals_.contains(portal)) {
    return fail("42P03", "cursor \"" + portal + "\" already exists", out);
  }
  Portal made{.command = statement.command, .is_empty = statement.is_empty};
  if (made.command.takes_parameter) made.command.token = argument;
  portals_[portal] = std::move(made);
  MessageWriter(out, BackendType::bind_complete);
}

void Backend::describe(std::string_view body, std::string& out) {
  start_transaction();
  Reader reader(body);
  const char kind = reader.byte();
  const std::string name(reader.cstring());
  const Command* command = nullptr;
  if (kind == 'S') {
    const auto found = statements_.find(name);
    if (found == statements_.end()) return fail("26000", missing_statement(name), out);
    command = found->second.is_empty ? nullptr : &found->second.command;
  } else {
    const auto found = portals_.find(name);
    if (found == portals_.end()) return fail("34000", "portal \"" + name + "\" does not exist", out);
    command = found->second.is_empty ? nullptr : &found->second.command;
  }
  const bool has_rows = command != nullptr && command->returns_rows();
  if (has_rows && refuse_in_failed_block(nullptr, out)) return;
  if (kind == 'S') {
    MessageWriter message(out, BackendType::parameter_description);
    message.int16(command != nullptr && command->takes_parameter ? 1 : 0);
    if (command != nullptr && command->takes_parameter) message.int32(25);
  }
  if (has_rows) {
    describe_row(out);
  } else {
    MessageWriter(out, BackendType::no_data);
  }
}

void Backend::execute(std::string_view body, std::string& out) {
  start_transaction();
  Reader reader(body);
  const std::string name(reader.cstring());
  const int rows_max = reader.int32();
  const auto found = portals_.find(name);
  if (found == portals_.end()) return fail("34000", "portal \"" + name + "\" does not exist", out);
  Portal& portal = found->second;
  if (portal.is_empty) {
    MessageWriter(out, BackendType::empty_query_response);
    return;
  }
  if (refuse_in_failed_block(portal.is_dead ? nullptr : &portal.command, out)) return;
  run_portal(name, portal, rows_max, out);
}

void Backend::run_portal(const std::string& name, Portal& portal, int rows_max, std::string& out) {
  const Command command = portal.command;
  if (command.kind != Command::Kind::select && command.kind != Command::Kind::rows) {
    if (portal.is_done) return fail("55000", "portal \"" + name + "\" cannot be run", out);
    portal.is_done = true;
    return end_portal(run(command, out));
  }
  const int total = command.kind == Command::Kind::rows ? command.count : 1;
  const int left = total - portal.sent;
  const int now = rows_max > 0 ? std::min(left, rows_max) : left;
  send_rows(command, now, out);
  portal.sent += now;
  if (rows_max > 0 && now == rows_max) {
    MessageWriter(out, BackendType::portal_suspended);
  } else {
    complete("SELECT " + std::to_string(now), out);
  }
  has_pipelined_ = true;
}

// A command that controls transactions takes effect at once; all others with the next Sync.
void Backend::end_portal(Ended ended) {
  if (ended != Ended::done) return;
  has_pipelined_ = true;
  if (!is_in_transaction_) portals_.clear();
}

void Backend::close(std::string_view body, std::string& out) {
  Reader reader(body);
  const char kind = reader.byte();
  const std::string name(reader.cstring());
  if (kind == 'S') {
    statements_.erase(name);
  } else {
    portals_.erase(name);
  }
  MessageWriter(out, BackendType::close_complete);
}

}  // namespace ballast::sim
