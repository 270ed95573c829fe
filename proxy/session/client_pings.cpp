// Pings: SELECT 1, an empty query or ";", by which applications ask whether their connection is alive
// (pool_pre_ping, health checks). With `pings = local` they are answered here, as a server would, so that
// they keep no database awake. While it is down they fail.
#include <algorithm>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

constexpr std::size_t ping_size_max = 32;
constexpr std::int32_t int4_oid = 23;
constexpr std::int16_t int4_size = 4;
constexpr std::int16_t text_format = 0;

void describe_one(std::string& out, std::int16_t format) {
  MessageWriter(out, BackendType::row_description)
      .int16(1)
      .cstring("?column?")
      .int32(0)  // of no table
      .int16(0)
      .int32(int4_oid)
      .int16(int4_size)
      .int32(-1)
      .int16(format);
}

void write_one(std::string& out, std::int16_t format) {
  MessageWriter row(out, BackendType::data_row);
  row.int16(1);
  if (format == text_format) {
    row.int32(1).byte('1');
  } else {
    row.int32(int4_size).int32(1);
  }
}

}  // namespace

ClientSession::Ping ClientSession::ping_of(std::string_view text) const {
  if (text.size() > ping_size_max || context_.pools().settings().pings == Pings::server) return Ping::none;
  Lexer lexer(text);
  Token token = lexer.next();
  const bool is_select = token.is("select");
  if (is_select) {
    const Token one = lexer.next();
    if (one.kind != TokenKind::constant || one.text() != "1") return Ping::none;
    token = lexer.next();
  }
  while (token.is(';')) token = lexer.next();
  if (token.kind != TokenKind::end) return Ping::none;
  return is_select ? Ping::select_one : Ping::empty;
}

// True: it is down, and the client has been told so in the place of an answer.
bool ClientSession::refuse_ping() {
  const Upstream::State state = context_.pools().broker().upstream().state();
  if (state != Upstream::State::down && state != Upstream::State::refused) return false;
  const PgError error{Severity::error,
                      std::string(sqlstate::cannot_connect),
                      "the database server can't be reached",
                      "It was asked by a ping, which Ballast answers itself (pings = local).",
                      {}};
  note_error(error);
  write_error(outlet_.buffer(), error);
  if (block_ == Block::begun) block_ = Block::failed;
  return true;
}

void ClientSession::answer_ping(Ping ping) {
  ++context_.pools().counters().pings_answered;
  if (refuse_ping()) return;
  std::string& out = outlet_.buffer();
  if (ping == Ping::empty) {
    MessageWriter(out, BackendType::empty_query_response);
    return;
  }
  describe_one(out, text_format);
  write_one(out, text_format);
  MessageWriter(out, BackendType::command_complete).cstring("SELECT 1");
}

void ClientSession::answer_ping(Ping ping, std::string_view definition, const LoneBatch& batch) {
  ++context_.pools().counters().pings_answered;
  if (refuse_ping()) return;
  std::string& out = outlet_.buffer();
  if (batch.is_parsed) {
    remember_unnamed(definition);
    MessageWriter(out, BackendType::parse_complete);
  }
  MessageWriter(out, BackendType::bind_complete);
  if (ping == Ping::empty) {
    if (batch.is_described) MessageWriter(out, BackendType::no_data);
    MessageWriter(out, BackendType::empty_query_response);
    return;
  }
  if (batch.is_described) describe_one(out, batch.result_format);
  write_one(out, batch.result_format);
  MessageWriter(out, BackendType::command_complete).cstring("SELECT 1");
}

}  // namespace ballast
