// BEGIN by itself asks nothing of the database: it is answered here and travels with the first statement
// behind it, in one flight. A transaction in which nothing happens costs no trip, one with a statement costs
// one less.
//
// Until then the block exists for the client alone (Block). Only a text that can't fail is held back: one
// statement, complete, whose modes the server takes.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

bool contains_word(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                     [](unsigned char a, char b) { return std::tolower(a) == b; }) != text.end();
}

// The first words of what PostgreSQL takes in a failed transaction (IsTransactionExitStmt, and ROLLBACK TO).
constexpr std::array<std::string_view, 5> exits{"abort", "commit", "end", "prepare", "rollback"};

// Is it a statement without declared types of parameters?
bool has_no_types(std::string_view definition) {
  Reader parse(definition);
  parse.cstring();
  return parse.int16() == 0 && parse.finished();
}

// The messages of one batch, each whole.
class BatchReader {
 public:
  explicit BatchReader(std::string_view bytes) : rest_(bytes) {}

  // The next message's body, if it is of that type.
  bool next_is(FrontendType type) {
    if (rest_.size() < header_size || rest_.front() != static_cast<char>(type)) return false;
    const Header header = read_header(rest_.data());
    if (!valid(header) || header.total() > rest_.size()) return false;
    body_ = rest_.substr(header_size, header.body_size());
    rest_.remove_prefix(header.total());
    return true;
  }
  std::string_view body() const { return body_; }
  std::size_t used(std::string_view of) const { return of.size() - rest_.size(); }

 private:
  std::string_view rest_;
  std::string_view body_;
};

}  // namespace

bool ClientSession::defers_begin() const {
  return context_.pools().settings().defer_begin == Switch::on &&
         pool_->settings().pool_mode == PoolMode::transaction && is_kept_apart();
}

TransactionStatus ClientSession::own_status() const {
  switch (block_) {
    case Block::begun:
      return TransactionStatus::in_transaction;
    case Block::failed:
      return TransactionStatus::failed;
    case Block::none:
      break;
  }
  return TransactionStatus::idle;
}

void ClientSession::write_own_ready() {
  MessageWriter(outlet_.buffer(), BackendType::ready_for_query).byte(static_cast<char>(own_status()));
}

// On a hot standby these modes are refused, as the server has to say itself.
bool ClientSession::may_defer(std::string_view begin) const {
  if (contains_word(begin, "write") || contains_word(begin, "serializable")) {
    const ReportedParameters& bare = pool_->bare_set()->reported;
    const auto standby = bare.find("in_hot_standby");
    if (standby == bare.end() || standby->second != "off") return false;
  }
  return true;
}

// What the client is told of a statement of transaction control that needs no server; empty: it needs one.
std::string_view ClientSession::control_block(TransactionControl control, std::string_view text) {
  switch (control) {
    case TransactionControl::begin:
      if (block_ != Block::none || !may_defer(text)) return {};
      block_ = Block::begun;
      begin_ = text;
      return Lexer(text).next().is("start") ? "START TRANSACTION" : "BEGIN";
    case TransactionControl::commit:
    case TransactionControl::rollback: {
      if (block_ == Block::none) return {};
      const bool commits = control == TransactionControl::commit && block_ == Block::begun;
      end_block();
      return commits ? "COMMIT" : "ROLLBACK";
    }
    case TransactionControl::none:
      break;
  }
  return {};
}

// As the server would say that is not there. Not what may end the transaction, or may be nothing at all: the
// start of the message, in whatever length it has come, must show a statement that does not.
bool ClientSession::is_refused_in_failed_block(std::string_view message) {
  const auto type = static_cast<FrontendType>(message.front());
  if (type != FrontendType::query && type != FrontendType::parse) return false;
  Reader body(message.substr(std::min(header_size, message.size())));
  if (type == FrontendType::parse) body.cstring();
  const Token first = Lexer(body.rest()).next();
  const bool is_whole = first.begin + first.size < body.rest().data() + body.rest().size();
  if (first.kind != TokenKind::word || !is_whole) return false;
  return std::none_of(exits.begin(), exits.end(), [&first](std::string_view word) { return first.is(word); });
}

void ClientSession::end_block() {
  block_ = Block::none;
  begin_ = {};
}

// Looks at what comes while no server has anything of it: a message that can be answered here is.
ClientSession::Take ClientSession::take_alone(Cut& cut, FrontendType type, std::string_view message) {
  const bool is_between = server_ == nullptr || (server_->pipeline().at_rest() &&
                                                 server_->pipeline().status() == TransactionStatus::idle);
  const bool may_ping = context_.pools().settings().pings == Pings::local && is_kept_apart();
  if (!is_between || (!defers_begin() && !may_ping)) return Take::forward;
  if (type == FrontendType::query) {
    Reader query(message.substr(header_size));
    const std::string_view text = query.cstring();
    if (!query.finished()) return Take::forward;
    if (const Ping ping = may_ping ? ping_of(text) : Ping::none; ping != Ping::none) {
      if (statements_) statements_->forget_unnamed();
      answer_ping(ping);
      return took_alone();
    }
    if (!defers_begin()) return Take::forward;
    const std::string_view tag = control_block(effect_of(text).control, text);
    if (!tag.empty()) {
      if (statements_) statements_->forget_unnamed();
      MessageWriter(outlet_.buffer(), BackendType::command_complete).cstring(tag);
      return took_alone();
    }
    return Take::forward;
  }
  return take_lone_batch(cut) ? took_alone() : Take::forward;
}

ClientSession::Take ClientSession::took_alone() {
  since_ = context_.world().loop.now();
  requested_at_ = coarse(since_);
  write_own_ready();
  if (block_ == Block::none && context_.is_draining()) drain();
  return state_ == State::flushing || state_ == State::ended ? Take::stop : Take::drop;
}

// [Parse without a name] Bind [Describe] Execute Sync, and nothing else before the Sync. What is malformed,
// or of another portal, is the server's to refuse.
bool ClientSession::take_lone_batch(Cut& cut) {
  const std::string_view bytes = cut.bytes.substr(cut.at);
  BatchReader batch(bytes);
  std::string_view definition;
  Ping ping = Ping::none;
  const auto concerns_us = [&](const StatementEffect& effect) {
    ping = ping_of(Reader(definition).cstring());
    return ping != Ping::none || (effect.control != TransactionControl::none && defers_begin());
  };
  const bool is_parsed = batch.next_is(FrontendType::parse);
  if (is_parsed) {
    if (batch.body().front() != '\0') return false;
    definition = batch.body().substr(1);
    if (!concerns_us(effect_of(Reader(definition).cstring()))) return false;
  }
  if (!batch.next_is(FrontendType::bind)) return false;
  Reader bind(batch.body());
  const std::string_view portal = bind.cstring();
  const std::string_view name = bind.cstring();
  if (!is_parsed) {
    const ClientStatements::Held* const held =
        statements_ && !name.empty() ? statements_->find(name) : nullptr;
    if (held == nullptr) return false;
    definition = held->statement->definition();
    if (!concerns_us(held->statement->effect())) return false;
  }
  // No formats of parameters, no parameters, any formats of results.
  const bool has_parameters = bind.int16() != 0 || bind.int16() != 0;
  const auto formats = static_cast<std::uint16_t>(bind.int16());
  const std::int16_t result_format = formats > 0 ? bind.int16() : std::int16_t{0};
  if (formats > 1) bind.bytes(sizeof(std::int16_t) * (formats - 1U));
  if (!bind.finished() || has_parameters || !portal.empty() || (is_parsed && !name.empty())) return false;
  const bool is_described = batch.next_is(FrontendType::describe);
  if (is_described && batch.body() != std::string_view("P\0", 2)) return false;
  if (!batch.next_is(FrontendType::execute)) return false;
  Reader execute(batch.body());
  const bool is_of_portal = execute.cstring().empty();
  execute.int32();
  if (!is_of_portal || !execute.finished()) return false;
  if (!batch.next_is(FrontendType::sync) || !batch.body().empty()) return false;
  const LoneBatch lone{is_parsed, is_described, result_format};
  if (ping != Ping::none) {
    const bool is_formed = formats <= 1 && (result_format == 0 || result_format == 1);
    if (!is_formed || !has_no_types(definition)) return false;
    answer_ping(ping, definition, lone);
  } else if (!answer_control(definition, lone)) {
    return false;
  }
  PoolStatistics& statistics = pool_->statistics();
  if (is_parsed) statistics.note(FrontendType::bind);
  statistics.note(FrontendType::execute);
  cut.more = batch.used(bytes) - read_header(bytes.data()).total();
  return true;
}

bool ClientSession::answer_control(std::string_view definition, const LoneBatch& batch) {
  if (!has_no_types(definition)) return false;
  const std::string_view text = Reader(definition).cstring();
  const std::string_view tag = control_block(effect_of(text).control, text);
  if (tag.empty()) return false;
  if (batch.is_parsed) remember_unnamed(definition);
  std::string& out = outlet_.buffer();
  if (batch.is_parsed) MessageWriter(out, BackendType::parse_complete);
  MessageWriter(out, BackendType::bind_complete);
  if (batch.is_described) MessageWriter(out, BackendType::no_data);
  MessageWriter(out, BackendType::command_complete).cstring(tag);
  return true;
}

// The block begins on the server, in front of the statement at hand. One that has failed fails there too, so
// that all that follows is the server's to answer.
void ClientSession::begin_on_server() {
  if (block_ == Block::none) return;
  listen_on_server();
  server_->begin(begin_);
  if (block_ == Block::failed) server_->fail_block();
  end_block();
}

}  // namespace ballast
