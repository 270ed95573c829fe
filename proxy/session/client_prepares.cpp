// A client's prepared statements on servers that it shares with others: renamed, prepared where they are
// missing, closed where there are too many.
//
// Names that a client has not defined go to the server as they are: its error (26000) and all that follows
// from it are then PostgreSQL's own.
#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/deallocate.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

namespace {

constexpr std::size_t names_max = 128 * 1024;  // of what must be here of a message to know the names in it
constexpr char statement_kind = 'S';           // in Describe and Close; the other kind is 'P', a portal

std::uint32_t length_word(std::size_t length) { return static_cast<std::uint32_t>(length); }

// The header and names of a Bind whose statement has another name; the rest of it follows as it came.
void write_bind_head(std::string& out, std::size_t length, std::string_view portal,
                     std::string_view statement) {
  out.push_back(static_cast<char>(FrontendType::bind));
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(length_word(length) >> shift & 0xff));
  out.append(portal).append(1, '\0').append(statement).append(1, '\0');
}

// The name under which a server may be asked for a statement that the client does not have. What looks like
// one of our own names must not hit somebody else's statement.
std::string harmless_name(std::string_view name) {
  return is_server_name(name) ? std::string(name) + "?" : std::string(name);
}

}  // namespace

bool ClientSession::shares_statements() const {
  return pool_->settings().pool_mode != PoolMode::session &&
         context_.pools().settings().max_prepared_statements > 0;
}

ClientStatements& ClientSession::statements() {
  if (!statements_) statements_ = std::make_unique<ClientStatements>();
  return *statements_;
}

// What to do with a message depends on answers that are still to come: the server is made to send them.
ClientSession::Take ClientSession::wait_for_answers(Cut& cut) {
  if (server_->pipeline().copying_in()) return refuse_in_copy();
  assert(!server_->pipeline().queue_empty());  // else it would be for ever
  forward_run(cut);
  MessageWriter(server_->gather(), FrontendType::flush);
  is_stalled_ = true;
  return Take::stop;
}

void ClientSession::send_parse(std::string_view name, std::string_view definition) {
  MessageWriter(server_->gather(), FrontendType::parse).cstring(name).bytes(definition);
}

void ClientSession::make_room_for_statement() {
  const auto limit = static_cast<std::size_t>(context_.pools().settings().max_prepared_statements);
  const auto victim = server_->statements().victim(limit, server_->pipeline().group());
  if (!victim) return;
  close_on_server(*victim);
  ++context_.pools().counters().statements_evicted;
}

void ClientSession::close_on_server(std::uint64_t statement) {
  if (!server_->statements().may_be_there(statement, server_->pipeline().group())) return;
  MessageWriter(server_->gather(), FrontendType::close).byte(statement_kind).cstring(server_name(statement));
  // First: if the Close is skipped, expect() takes that back.
  server_->statements().closing(statement, server_->pipeline().group());
  server_->expect({.kind = RequestKind::close, .answer = Answer::drop, .statement = statement});
}

void ClientSession::send_shared_parse(const Statement& statement, Request request) {
  make_room_for_statement();
  ++pool_->statistics().server_parses;
  send_parse(server_name(statement.id()), statement.definition());
  server_->statements().preparing(statement.id(), server_->pipeline().group(),
                                  context_.pools().broker().schema_epoch());
  request.statement = statement.id();
  server_->expect(request);
}

// After a change of the schema what was parsed before it may fail (0A000, "cached plan must not change result
// type"). Outside of a transaction it is parsed again first; inside one the error is the client's to hear.
bool ClientSession::prepare(Cut& cut, const ClientStatements::Held& held) {
  ServerStatements& there = server_->statements();
  const bool is_in_transaction = server_->pipeline().status() != TransactionStatus::idle;
  const std::uint64_t epoch = is_in_transaction ? held.epoch : context_.pools().broker().schema_epoch();
  switch (there.look_up(held.statement->id(), server_->pipeline().group(), epoch)) {
    case ServerStatements::Presence::present:
      ++context_.pools().counters().statements_found;
      return true;
    case ServerStatements::Presence::undecided:
      return false;
    case ServerStatements::Presence::stale:
    case ServerStatements::Presence::absent:
      break;
  }
  forward_run(cut);
  close_on_server(held.statement->id());
  send_shared_parse(*held.statement,
                    {.kind = RequestKind::parse, .answer = Answer::drop, .name = held.ordinal});
  ++context_.pools().counters().statements_prepared;
  return true;
}

bool ClientSession::deallocates(std::string_view sql) {
  const auto name = deallocated_name(sql);
  if (!name || !shares_statements() || statements().find(*name) == nullptr) return false;
  const bool will_fail = server_->pipeline().status() == TransactionStatus::failed;
  if (!will_fail) statements().forget(*name);
  return true;
}

// A statement without text can't fail to be parsed. Its name is no statement's number.
void ClientSession::prepare_stand_in() {
  constexpr std::string_view empty_text("\0\0\0", 3);  // and no parameter types
  MessageWriter(server_->gather(), FrontendType::close).byte(statement_kind).cstring(stand_in);
  server_->expect({.kind = RequestKind::close, .answer = Answer::drop});
  send_parse(stand_in, empty_text);
  server_->expect({.kind = RequestKind::parse, .answer = Answer::drop});
}

// Parse
// ------------------------------------------------------------------------------------------------------------

ClientSession::Take ClientSession::take_parse(Cut& cut, const Header& header, std::string_view message) {
  if (!shares_statements()) {
    server_->suspect(Residue::anything);  // whenever it is executed, nobody knows here
    server_->expect({.kind = RequestKind::parse});
    return Take::forward;
  }
  const bool is_whole = message.size() == header.total();
  if (header.total() > context_.pools().settings().max_prepared_statement_length) {
    return take_long_parse(header, message);
  }
  if (!is_whole) return Take::incomplete;
  Reader reader(message.substr(header_size));
  const std::string_view name = reader.cstring();
  const std::string_view definition = reader.rest();
  if (!reader.ok()) {
    server_->expect({.kind = RequestKind::parse});  // malformed: PostgreSQL says so best
    return Take::forward;
  }
  if (deallocates(Reader(definition).cstring())) {
    forward_run(cut);
    prepare_stand_in();
    std::string instead(deallocate_stand_in);
    instead.append(definition.substr(definition.find('\0')));
    if (!name.empty()) return take_named_parse(cut, name, instead);
    send_parse({}, instead);
    take_unnamed_parse(instead);
    return Take::drop;
  }
  if (!name.empty()) return take_named_parse(cut, name, definition);
  take_unnamed_parse(definition);
  return Take::forward;
}

// Too long to be kept: goes through, and can't be prepared again on another server.
ClientSession::Take ClientSession::take_long_parse(const Header& header, std::string_view message) {
  if (message.size() > header_size && message[header_size] == '\0') {
    take_unnamed_parse({});
    return Take::forward;
  }
  if (message.size() == header_size) return Take::incomplete;
  ++context_.pools().counters().client_statement_limits;
  return refuse(sqlstate::program_limit_exceeded, "Parse of " + std::to_string(header.total()) +
                                                      " bytes exceeds max_prepared_statement_length");
}

void ClientSession::take_unnamed_parse(std::string_view definition) {
  const std::uint64_t tag = next_statement_id();
  statements().define_unnamed(tag, definition, effect_of_definition(definition));
  server_->replace_unnamed(tag);
  ++pool_->statistics().server_parses;
  server_->expect({.kind = RequestKind::parse, .by_client = true, .is_unnamed = true, .statement = tag});
}

ClientSession::Take ClientSession::take_named_parse(Cut& cut, std::string_view name,
                                                    std::string_view definition) {
  if (statements().is_undecided(name)) return wait_for_answers(cut);
  if (const ClientStatements::Held* const taken = statements().find(name)) {
    // What is under way may be a DEALLOCATE ALL.
    if (!server_->pipeline().queue_empty()) return wait_for_answers(cut);
    // The server says that it has one of that name: 42P05, if nothing else is wrong with the text.
    forward_run(cut);
    prepare_stand_in();
    send_parse(stand_in, definition);
    server_->expect({.kind = RequestKind::parse, .name = taken->ordinal});
    return Take::drop;
  }
  const Settings& settings = context_.pools().settings();
  if (statements().size() >= static_cast<std::size_t>(settings.max_client_prepared_statements)) {
    ++context_.pools().counters().client_statement_limits;
    return refuse(sqlstate::program_limit_exceeded,
                  "more prepared statements than max_client_prepared_statements (" +
                      std::to_string(settings.max_client_prepared_statements) + ")");
  }
  StatementRef statement = context_.pools().statements().intern(definition);
  forward_run(cut);
  // A Parse is always PostgreSQL's to answer, as it sees the text now: what the server has of it was parsed
  // under an older schema, maybe.
  close_on_server(statement->id());
  const std::uint32_t ordinal =
      statements().define(name, {statement, context_.pools().broker().schema_epoch()});
  send_shared_parse(*statement, {.kind = RequestKind::parse, .by_client = true, .name = ordinal});
  return Take::drop;
}

// A Close of the unnamed statement, or a Query. Whether they do end it or are skipped shows later.
Request ClientSession::ending_unnamed(RequestKind kind) {
  server_->replace_unnamed(ServerConnection::Unnamed::unknown);
  statements().end_unnamed();
  return {.kind = kind, .by_client = true, .is_unnamed = true, .statement = next_statement_id()};
}

// Bind, Describe, Close
// ------------------------------------------------------------------------------------------

// The unnamed statement that the client may use now must be the one that the server has. False: not before
// outstanding answers have come.
bool ClientSession::prepare_unnamed(Cut& cut) {
  const ClientStatements::Unnamed& ours = statements().unnamed();
  const ServerConnection::Unnamed there = server_->unnamed();
  const bool is_there = ours.tag != 0 && ours.tag == there.tag;
  if (is_there && (there.group == 0 || there.group == server_->pipeline().group())) return true;
  if (statements().is_unnamed_undecided() || is_there) return false;
  forward_run(cut);
  if (ours.tag != 0 && !ours.definition.empty()) {
    send_parse({}, ours.definition);
    ++pool_->statistics().server_parses;
    server_->replace_unnamed(ours.tag);
    server_->expect(
        {.kind = RequestKind::parse, .answer = Answer::drop, .is_unnamed = true, .statement = ours.tag});
    ++context_.pools().counters().statements_prepared;
  } else if (there.tag != ServerConnection::Unnamed::none) {
    // Somebody else's: away with it, so that the server tells this client that there is none.
    MessageWriter(server_->gather(), FrontendType::close).byte(statement_kind).cstring({});
    server_->replace_unnamed(ServerConnection::Unnamed::unknown);
    server_->expect({.kind = RequestKind::close,
                     .answer = Answer::drop,
                     .is_unnamed = true,
                     .statement = next_statement_id()});
  }
  return true;
}

ClientSession::Take ClientSession::take_bind(Cut& cut, const Header& header, std::string_view message) {
  Request request{.kind = RequestKind::bind};
  Reader reader(message.substr(header_size));
  const std::string_view portal = reader.cstring();
  const std::string_view name = reader.cstring();
  const bool is_whole = message.size() == header.total();
  if (!reader.ok() && !is_whole && message.size() < names_max) return Take::incomplete;
  if (!reader.ok() && !is_whole)
    return refuse(sqlstate::program_limit_exceeded, "names in a Bind are too long");
  if (!reader.ok() || !shares_statements()) {
    server_->suspect(Residue::anything);
    server_->expect(request);
    return Take::forward;
  }
  if (name.empty()) {
    const EffectRef& effect = statements().unnamed().effect;
    if (!note_bind(effect ? *effect : plain_effect, header, message)) return Take::incomplete;
    if (!prepare_unnamed(cut)) return wait_for_answers(cut);
    if (effect) lend_in_batch(cut, *effect);
    server_->expect(request);
    return Take::forward;
  }
  if (statements().hangs_on_answers(name)) return wait_for_answers(cut);
  const ClientStatements::Held* const held = statements().find(name);
  if (held != nullptr && !note_bind(held->statement->effect(), header, message)) return Take::incomplete;
  // It may be one of a PREPARE of SQL's.
  if (held == nullptr && !server_->residue().is_clean()) server_->suspect(Residue::anything);
  if (held != nullptr && !prepare(cut, *held)) return wait_for_answers(cut);
  if (held != nullptr) lend_in_batch(cut, held->statement->effect());
  if (held != nullptr) request.name = held->ordinal;
  const std::string there = held != nullptr ? server_name(held->statement->id()) : harmless_name(name);
  if (there != name) {
    forward_run(cut);
    write_bind_head(server_->gather(), header.length - name.size() + there.size(), portal, there);
    cut.run = cut.at + header_size + portal.size() + name.size() + 2;
  }
  server_->expect(request);
  return Take::forward;
}

ClientSession::Take ClientSession::take_describe(Cut& cut, const Header& header, std::string_view message) {
  Request request{.kind = RequestKind::describe};
  if (message.size() < header.total()) {
    if (header.total() > names_max)
      return refuse(sqlstate::program_limit_exceeded, "name in a Describe is too long");
    return Take::incomplete;
  }
  Reader reader(message.substr(header_size));
  const char kind = reader.byte();
  const std::string_view name = reader.cstring();
  if (!reader.finished() || kind != statement_kind || !shares_statements()) {
    server_->expect(request);
    return Take::forward;
  }
  if (name.empty()) {
    if (!prepare_unnamed(cut)) return wait_for_answers(cut);
    if (const EffectRef& effect = statements().unnamed().effect) lend_in_batch(cut, *effect);
    server_->expect(request);
    return Take::forward;
  }
  if (statements().hangs_on_answers(name)) return wait_for_answers(cut);
  const ClientStatements::Held* const held = statements().find(name);
  if (held != nullptr && !prepare(cut, *held)) return wait_for_answers(cut);
  if (held != nullptr) lend_in_batch(cut, held->statement->effect());
  if (held != nullptr) request.name = held->ordinal;
  forward_run(cut);
  MessageWriter(server_->gather(), FrontendType::describe)
      .byte(kind)
      .cstring(held != nullptr ? server_name(held->statement->id()) : harmless_name(name));
  server_->expect(request);
  return Take::drop;
}

// A shared statement stays on the server, which is asked to close something else, that it does not have: that
// is no error. Without a server the CloseComplete is ours.
ClientSession::Take ClientSession::take_close(Cut& cut, const Header& header, std::string_view message) {
  if (message.size() < header.total()) {
    if (header.total() > names_max)
      return refuse(sqlstate::program_limit_exceeded, "name in a Close is too long");
    return Take::incomplete;
  }
  Reader reader(message.substr(header_size));
  const char kind = reader.byte();
  const std::string_view name = reader.cstring();
  const bool is_statement = reader.finished() && kind == statement_kind && shares_statements();
  const ClientStatements::Held* const known =
      is_statement && !name.empty() ? statements().find(name) : nullptr;
  if (is_statement && statements().hangs_on_answers(name)) return wait_for_answers(cut);
  if (server_ == nullptr) {
    if (is_statement && name.empty()) statements().forget_unnamed();
    if (known != nullptr) statements().forget(name);
    MessageWriter(outlet_.buffer(), BackendType::close_complete);
    return Take::drop;
  }
  begin_on_server();
  if (is_statement && name.empty()) {
    server_->expect(ending_unnamed(RequestKind::close));
    return Take::forward;
  }
  if (known == nullptr && !server_->residue().is_clean())
    server_->suspect(Residue::prepared | Residue::hold_cursors);
  if (known == nullptr && !(is_statement && is_server_name(name))) {
    server_->expect({.kind = RequestKind::close});
    return Take::forward;
  }
  Request request{.kind = RequestKind::close};
  if (known != nullptr) {
    request.by_client = true;
    request.statement = known->statement->id();
    statements().close(name);
  }
  forward_run(cut);
  MessageWriter(server_->gather(), FrontendType::close).byte(statement_kind).cstring(stand_in);
  server_->expect(request);
  return Take::drop;
}

// How it ended
// -------------------------------------------------------------------------------------------------------

void ClientSession::on_request_answered(const Request& request) {
  if (request.is_unnamed) {
    statements().unnamed_answered();
  } else {
    statements().answered();
    if (request.kind == RequestKind::parse) unanswered_.is_open = false;  // its name is taken now
  }
}

void ClientSession::on_request_discarded(const Request& request) {
  if (!request.is_unnamed) {
    statements().discarded();
  } else if (request.kind == RequestKind::parse && request.has_failed) {
    statements().unnamed_failed();
  } else {
    statements().unnamed_skipped();
  }
}

void ClientSession::on_statements_dropped() { statements().clear(); }

}  // namespace ballast
