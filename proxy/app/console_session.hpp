// ConsoleSession: a client on the admin console, by the simple or the extended protocol (manual, 55.2). One
// request at a time: while one is carried out, or its answer has not left, the next waits, and little is
// read. What a message may be long, and what may be prepared, is bounded.
//
//   make it, welcome(); whatever the host is asked it answers by answer(), in a later turn
//
// Confined to its worker's thread; ends by ConsoleHost::on_console_ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/message.hpp"

#include "proxy/app/console_answer.hpp"
#include "proxy/app/console_command.hpp"
#include "proxy/app/console_tables.hpp"
#include "proxy/app/patience.hpp"
#include "proxy/base/settings.hpp"
#include "proxy/io/world.hpp"
#include "proxy/session/cancel_keys.hpp"
#include "proxy/session/console_client.hpp"

namespace ballast {

class ConsoleSession;

// A request of a console's client, on its way.
struct ConsoleRequest {
  std::string user;
  ConsoleCommand command;
  ColumnNames names = ColumnNames::present;
  Patience patience = {};  // ends when the client cancels the request, or goes
};

class ConsoleHost {
 public:
  virtual Loop& loop() = 0;
  virtual CancelKeys& cancel_keys() = 0;
  virtual void ask(const ConsoleSession& session, ConsoleRequest request) = 0;
  // The session has ended and may be buried.
  virtual void on_console_ended(ConsoleSession& session) = 0;

 protected:
  ~ConsoleHost() = default;
};

class ConsoleSession final : public Mortal, public StreamListener, public Cancelable {
 public:
  // No command is long.
  static constexpr std::size_t message_max = 8 * 1024;
  // Named statements and portals, each.
  static constexpr std::size_t names_max = 100;

  ConsoleSession(ConsoleClient client, ConsoleHost& host);

  void welcome();
  void answer(ConsoleAnswer answer);
  void end(const PgError& why);
  // Whoever is at work on its request is told so, and answers.
  void cancel(std::function<void()> done) override;
  std::string_view cancel_secret() const override { return cancel_secret_; }

  std::uint64_t id() const { return id_; }
  std::string name() const { return "C-" + std::to_string(id_); }
  const StartupMessage& startup() const { return startup_; }
  const Stream& stream() const { return *stream_; }
  TimePoint connected_at() const { return connected_at_; }
  TimePoint asked_at() const { return asked_at_; }
  bool is_busy() const { return state_ == State::busy; }
  std::size_t prepared_count() const { return statements_.size(); }
  // The janitor's visit: ends what is overdue. `last_word_max`: for a client that does not read its last
  // word.
  void tick(TimePoint now, Milliseconds idle_max, Milliseconds last_word_max);

  void on_readable() override;
  void on_writable() override;

 private:
  enum class State : std::uint8_t {
    idle,
    busy,      // the host is at work on a command
    flushing,  // its last word is to leave
    ended,
  };
  enum class Protocol : std::uint8_t { simple, extended };
  // A statement that is not empty has a command.
  using Prepared = std::optional<ConsoleCommand>;
  struct Portal {
    Prepared statement;
    ResultFormats formats;
    std::optional<ConsoleTable> table;  // once it has been executed
    std::size_t sent = 0;               // of its rows
  };

  void go_on();
  bool can_take() const;
  bool take_message();
  void take(FrontendType type, std::string_view body);
  void take_query(std::string_view body);
  void take_parse(std::string_view body);
  void take_bind(std::string_view body);
  void take_describe(std::string_view body);
  void take_execute(std::string_view body);
  void take_close(std::string_view body);
  void take_sync();

  void run_next_statement();
  void run(const ConsoleCommand& command);
  void complete(ConsoleAnswer answer);
  ConsoleAnswer answer_parameter(const ConsoleCommand& command) const;
  void write_table(const ConsoleTable& table);
  void send_rows(Portal& portal);
  void fail(PgError error);
  void refuse(std::string_view code, std::string message);
  void write_ready();
  void settle_down();
  void finish();

  ConsoleHost& host_;
  std::unique_ptr<Stream> stream_;
  Inbox inbox_;
  Outlet outlet_;
  StartupMessage startup_;
  std::string cancel_secret_;
  std::uint64_t id_;
  std::int32_t process_id_ = 0;  // as the client knows it
  TimePoint connected_at_;
  TimePoint asked_at_;  // last, or answered
  ColumnNames names_;
  std::deque<std::string> statements_to_run_;  // of the present Query, behind the one at hand
  std::map<std::string, Prepared, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
  ConsoleCommand running_;
  Patience patience_;         // with that
  Portal* portal_ = nullptr;  // that is being executed
  std::size_t rows_max_ = 0;  // of that Execute; 0: all
  Protocol protocol_ = Protocol::simple;
  State state_ = State::idle;
  Interest interest_ = Interest::none;
  TransactionStatus status_ = TransactionStatus::idle;  // as drivers believe it to be
  bool skips_to_sync_ = false;
};

}  // namespace ballast
