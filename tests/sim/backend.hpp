// Backend: one session of a PostgreSQL as the protocol shows it, without I/O: messages in, answers out. The
// rules are those of PostgresMain() and its callees in PostgreSQL 15 (tcop/postgres.c, access/transam/xact.c,
// commands/copyfrom*).
//
// It serves twice: behind the pooler as the server, and beside each client as the oracle that is asked what a
// connection of the client's own would have answered. A value: a copy goes its own way.
//
//   backend.receive(type, body)      a message has come
//   while (backend.step(out) ...)    does the next piece of work
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/message.hpp"
#include "protocol/pg_error.hpp"

#include "tests/sim/session_settings.hpp"
#include "tests/sim/sql.hpp"

namespace ballast::sim {

class Backend {
 public:
  enum class Step {
    waiting,   // for a message
    working,   // there may be more to do
    sleeping,  // until wake() or cancel()
    ended,     // FATAL, or the client has said goodbye
  };
  struct Message {
    char type;
    std::string body;
  };

  static constexpr std::size_t output_buffer_size = 8192;  // PQ_SEND_BUFFER_SIZE

  explicit Backend(int max_connections = 0) : max_connections_(max_connections) {}
  // The error of a startup packet that PostgreSQL refuses; empty if all is well.
  PgError start(const StartupParameters& parameters);
  void report_parameters(std::string& out) { settings_.report_all(out); }

  void receive(char type, std::string_view body) { inbox_.push_back({type, std::string(body)}); }
  Step step(std::string& out);
  int sleep_ms() const { return sleeping_.size; }
  void wake(std::string& out);
  // A cancel signal: hits what is running, if it can be hit.
  void cancel(std::string& out);

  // As if the message at work had failed.
  void skip_to_sync() { is_skipping_ = true; }

  // What must leave now: the server would have written its buffer out.
  bool take_flush() { return std::exchange(is_flush_due_, false); }
  // How often answers had to leave because the client wanted them: at a Flush or a ReadyForQuery.
  int demands() const { return demands_; }

  TransactionStatus status() const { return static_cast<TransactionStatus>(block_); }
  bool is_in_transaction() const { return is_in_transaction_; }
  // A block has begun and nothing has run in it: it needs no server yet. A request that finds none fails it.
  bool is_block_untouched() const { return block_ != Block::none && is_untouched_; }
  void fail_untouched_block();
  // Did the block fail in that way, for want of a server?
  bool has_failed_untouched() const { return block_ == Block::failed && has_failed_untouched_; }
  bool is_copying_in() const { return copy_.is_active; }
  bool is_sleeping() const { return is_sleeping_; }
  std::deque<Message>& inbox() { return inbox_; }
  // Tokens of what ran since the last call: who has this session at work.
  std::vector<std::string> take_tokens() { return std::exchange(tokens_, {}); }

 private:
  struct Statement {
    Command command;
    bool is_empty = false;  // an empty string has been parsed
  };
  struct Portal {
    Command command;
    bool is_empty = false;
    bool is_dead = false;  // its transaction has failed
    bool is_done = false;
    int sent = 0;
  };
  struct Copy {
    bool is_active = false;
    bool is_extended = false;
    std::string token;
    int rows = 0;
  };
  enum class Block : char { none = 'I', open = 'T', failed = 'E' };
  // What a command came to; an error has been written then.
  enum class Ended { done, failed, pending };

  // Messages (backend.cpp)
  Step take_message(std::string& out);
  Step dispatch(const Message& message, std::string& out);
  void sync(std::string& out);
  void call_function(std::string_view body, std::string& out);
  Step end_with(const PgError& error, std::string& out);

  // Simple queries and commands (backend_commands.cpp)
  void begin_script(std::string_view text, std::string& out);
  void continue_script(std::string& out);
  void end_script(std::string& out);
  Ended run(const Command& command, std::string& out);
  Ended run_transaction_command(const Command& command, std::string& out);
  Ended run_setting(const Command& command, std::string& out);
  Ended run_discard(const Command& command, std::string& out);
  void run_audit(const Command& command, std::string& out);
  void tell_limits(std::string& out);
  void copy_out(const Command& command, std::string& out);
  void begin_copy(const Command& command, std::string& out);
  void take_copy_message(const Message& message, std::string& out);
  void end_copy(std::string& out);
  void fail_copy(const PgError& error, std::string& out);
  void send_rows(const Command& command, int count, std::string& out);
  void describe_row(std::string& out);
  void ready(std::string& out);
  void complete(std::string_view tag, std::string& out);
  void notice(Severity severity, std::string_view sqlstate, std::string_view text, std::string& out);
  void fail(std::string_view sqlstate, std::string text, std::string& out);
  void fail(const PgError& error, std::string& out);
  bool refuse_in_failed_block(const Command* command, std::string& out);

  // Extended protocol (backend_extended.cpp)
  void parse(std::string_view body, std::string& out);
  void bind(std::string_view body, std::string& out);
  void describe(std::string_view body, std::string& out);
  void execute(std::string_view body, std::string& out);
  void close(std::string_view body, std::string& out);
  void run_portal(const std::string& name, Portal& portal, int rows_max, std::string& out);
  void end_portal(Ended ended);

  // Transactions
  void start_transaction();
  void finish_transaction();
  void commit();
  void roll_back();
  void abort();

  int max_connections_;  // of the database; 0: many
  SessionSettings settings_;
  std::deque<Message> inbox_;
  std::map<std::string, Statement> statements_;  // the unnamed one has the empty name
  std::map<std::string, Portal> portals_;
  std::deque<Command> script_;  // what is left of a simple query
  bool is_in_script_ = false;
  bool is_implicit_block_ = false;  // a script of several commands is one transaction
  Block block_ = Block::none;
  bool is_in_transaction_ = false;
  bool is_untouched_ = false;
  bool has_failed_untouched_ = false;
  bool is_extended_ = false;  // is the message at work one of the extended protocol?
  bool is_skipping_ = false;  // up to the next Sync
  bool is_sleeping_ = false;
  bool is_sleep_extended_ = false;
  bool is_cancel_due_ = false;  // a cancel waits for the next row of a COPY
  bool has_pipelined_ = false;  // an Execute has run in this implicit transaction
  bool is_flush_due_ = false;
  bool is_over_ = false;
  int demands_ = 0;
  Command sleeping_;
  Copy copy_;
  std::vector<std::string> tokens_;
};

}  // namespace ballast::sim
