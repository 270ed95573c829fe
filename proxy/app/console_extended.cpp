// The extended protocol on the console (manual, 55.2.3): a statement is one command without parameters, a
// portal keeps the rows that an Execute has not asked for yet, until the Sync.
#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/app/console_session.hpp"

namespace ballast {

namespace {

PgError error_of(std::string_view code, std::string message) {
  return {Severity::error, std::string(code), std::move(message), {}, {}};
}

}  // namespace

void ConsoleSession::take_parse(std::string_view body) {
  Reader reader(body);
  std::string name(reader.cstring());
  const std::string_view text = reader.cstring();
  const std::int16_t types = reader.int16();
  reader.bytes(sizeof(std::int32_t) * static_cast<std::uint16_t>(types));
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  const std::vector<std::string_view> statements = split_statements(text);
  if (statements.size() > 1)
    return fail(error_of("42601", "cannot insert multiple commands into a prepared statement"));
  if (!name.empty() && statements_.contains(name)) {
    return fail(error_of(sqlstate::duplicate_prepared_statement,
                         "prepared statement \"" + name + "\" already exists"));
  }
  if (statements_.size() >= names_max)
    return fail(error_of(sqlstate::program_limit_exceeded, "too many prepared statements on the console"));
  Prepared prepared;
  if (!statements.empty()) {
    ReadCommand read = read_command(statements.front());
    if (!read.error.message.empty()) return fail(std::move(read.error));
    prepared = std::move(read.command);
  }
  statements_.insert_or_assign(std::move(name), std::move(prepared));
  MessageWriter(outlet_.buffer(), BackendType::parse_complete);
}

void ConsoleSession::take_bind(std::string_view body) {
  Reader reader(body);
  std::string portal(reader.cstring());
  const std::string_view name = reader.cstring();
  const auto parameter_formats = static_cast<std::uint16_t>(reader.int16());
  reader.bytes(sizeof(std::int16_t) * parameter_formats);
  const std::int16_t parameters = reader.int16();
  if (reader.ok() && parameters != 0)
    return fail(error_of(sqlstate::protocol_violation, "commands of the console have no parameters"));
  const auto count = static_cast<std::uint16_t>(reader.int16());
  std::vector<ValueFormat> formats;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const std::int16_t format = reader.int16();
    if (format != 0 && format != 1)
      return fail(
          error_of(sqlstate::invalid_parameter_value, "unsupported format code: " + std::to_string(format)));
    formats.push_back(static_cast<ValueFormat>(format));
  }
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  const auto found = statements_.find(name);
  if (found == statements_.end()) {
    return fail(error_of(sqlstate::invalid_sql_statement_name,
                         "prepared statement \"" + std::string(name) + "\" does not exist"));
  }
  if (portals_.size() >= names_max)
    return fail(error_of(sqlstate::program_limit_exceeded, "too many portals on the console"));
  Portal made{found->second, ResultFormats(std::move(formats)), {}, 0};
  const std::size_t columns = made.statement ? columns_of(*made.statement, names_).size() : 0;
  if (!made.formats.suits(columns)) {
    return fail(error_of(sqlstate::protocol_violation, "bind message has " + std::to_string(count) +
                                                           " result formats but query has " +
                                                           std::to_string(columns) + " columns"));
  }
  portals_.insert_or_assign(std::move(portal), std::move(made));
  MessageWriter(outlet_.buffer(), BackendType::bind_complete);
}

void ConsoleSession::take_describe(std::string_view body) {
  Reader reader(body);
  const char kind = reader.byte();
  const std::string_view name = reader.cstring();
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  const auto statement = statements_.find(name);
  const auto portal = portals_.find(name);
  const bool is_known = kind == 'S' ? statement != statements_.end() : portal != portals_.end();
  if (!is_known) {
    return fail(error_of(
        kind == 'S' ? sqlstate::invalid_sql_statement_name : "34000",
        (kind == 'S' ? "prepared statement \"" : "portal \"") + std::string(name) + "\" does not exist"));
  }
  std::string& out = outlet_.buffer();
  if (kind == 'S') MessageWriter(out, BackendType::parameter_description).int16(0);
  const Prepared& described = kind == 'S' ? statement->second : portal->second.statement;
  const std::vector<Column> columns = described ? columns_of(*described, names_) : std::vector<Column>();
  if (columns.empty()) {
    MessageWriter(out, BackendType::no_data);
  } else {
    write_row_description(out, columns, kind == 'S' ? ResultFormats() : portal->second.formats);
  }
}

void ConsoleSession::take_execute(std::string_view body) {
  Reader reader(body);
  const std::string_view name = reader.cstring();
  const std::int32_t rows_max = reader.int32();
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  const auto found = portals_.find(name);
  if (found == portals_.end())
    return fail(error_of("34000", "portal \"" + std::string(name) + "\" does not exist"));
  Portal& portal = found->second;
  rows_max_ = static_cast<std::size_t>(std::max(rows_max, 0));
  if (!portal.statement) {
    MessageWriter(outlet_.buffer(), BackendType::empty_query_response);
    return;
  }
  if (portal.table) return send_rows(portal);
  portal_ = &portal;
  run(*portal.statement);
}

void ConsoleSession::take_close(std::string_view body) {
  Reader reader(body);
  const char kind = reader.byte();
  const std::string name(reader.cstring());
  if (!reader.finished()) return refuse(sqlstate::protocol_violation, "invalid message format");
  kind == 'S' ? statements_.erase(name) : portals_.erase(name);
  MessageWriter(outlet_.buffer(), BackendType::close_complete);
}

void ConsoleSession::take_sync() {
  skips_to_sync_ = false;
  portals_.clear();
  write_ready();
}

void ConsoleSession::send_rows(Portal& portal) {
  std::string& out = outlet_.buffer();
  const ConsoleTable& table = *portal.table;
  const std::size_t left = table.rows.size() - portal.sent;
  const std::size_t count = rows_max_ == 0 ? left : std::min(rows_max_, left);
  for (std::size_t i = 0; i < count; ++i)
    write_data_row(out, table.columns, table.rows[portal.sent++], portal.formats);
  if (portal.sent < table.rows.size()) {
    MessageWriter(out, BackendType::portal_suspended);
  } else {
    MessageWriter(out, BackendType::command_complete).cstring(tag_of(*portal.statement));
  }
}

}  // namespace ballast
