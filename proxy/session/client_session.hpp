// ClientSession: one client, from accept to its end. Reads requests, borrows a server for as long as the pool
// mode says, and gives the client what the server answers. What an answer is decides ServerConnection; what a
// request needs decides this class (client_requests.cpp), its life and limits client_session.cpp.
//
// The client sees no difference to PostgreSQL: errors of the extended protocol are left to the server
// wherever it can make them, so that texts, transaction states and skipped messages are its own. Owned by its
// worker; ends by SessionContext::on_session_ended. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/client_login.hpp"

#include "proxy/io/inbox.hpp"
#include "proxy/io/outlet.hpp"
#include "proxy/io/stream.hpp"
#include "proxy/pool/lessee.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/waiter.hpp"
#include "proxy/session/cancel_keys.hpp"
#include "proxy/session/client_figures.hpp"
#include "proxy/session/client_statements.hpp"
#include "proxy/session/function_calls.hpp"
#include "proxy/session/listening.hpp"
#include "proxy/session/unanswered.hpp"
#include "proxy/sql/repeatable.hpp"

namespace ballast {

class SessionContext;

class ClientSession final : public Mortal,
                            public StreamListener,
                            public Cancelable,
                            private Lessee,
                            private Waiter,
                            private Subscriber {
 public:
  enum class State : std::uint8_t {
    login,     // until AuthenticationOk
    proving,   // its startup parameters are tried on a server, as PostgreSQL would at login
    idle,      // no server, no request
    waiting,   // in the pool's queue
    active,    // has a server
    cancel,    // carries a CancelRequest, not a session
    flushing,  // has been told its last word; waits for that to leave
    ended,
  };

  ClientSession(SessionContext& context, std::unique_ptr<Stream> stream, std::uint64_t id);
  ~ClientSession() override;

  // A CancelRequest with this session's key.
  void cancel(std::function<void()> done) override;
  std::string_view cancel_secret() const override { return cancel_secret_; }
  ClientFigures figures() const;
  // The janitor's visit: ends what is overdue.
  void tick(TimePoint now);
  // Ends the session with an error for the client.
  void end(const PgError& why);
  // Ends it by an operator's order, whatever it does: what its server is at work on is cancelled.
  void kill();
  // Ends it without a word.
  void hang_up() { leave(); }
  // The process is about to stop: ends now if it is between transactions.
  void drain();

  State state() const { return state_; }
  // Why it keeps its server between transactions.
  ResidueSet pinned_by() const { return pins_ | unknown_pins_; }
  std::uint64_t id() const { return id_; }
  // Does it wait for a server or an answer, or has not yet been given all of it?
  bool is_busy() const;
  // Null until it has logged in.
  const Pool* pool() const { return pool_; }
  std::string name() const { return "C-" + std::to_string(id_); }
  std::size_t slot = 0;  // where its owner keeps it

  void on_readable() override;
  void on_writable() override;

 private:
  // What consume() does with the message at hand.
  enum class Take {
    forward,     // to the server as it is, or the part of it that is here
    drop,        // to nobody, or something else has been sent instead
    incomplete,  // it must be here as a whole, or up to its names
    stop,        // not now: the session waits, or has ended
  };
  // What is left out because a request failed before it had a server.
  enum class Skip : std::uint8_t { nothing, message, to_sync };
  enum class Ping : std::uint8_t { none, empty, select_one };
  // The bytes that consume() walks through. What goes to the server unchanged goes in runs as long as
  // possible: `run` is where the present one began, `at` the message at hand. `more`: bytes behind that
  // message, if it is dropped, which are done with too.
  struct Cut {
    std::string_view bytes;
    std::size_t at = 0;
    std::size_t run = 0;
    std::size_t more = 0;
  };

  // Life (client_session.cpp)
  void become(State state);
  void advance_login(std::string_view bytes);
  void start_session();
  void go_to_console();
  bool adopt_parameters();
  void prove_parameters();
  void welcome();
  std::string new_cancel_secret() const;
  void leave();
  void note_error(const PgError& error);
  void log_end(std::string_view why) const;
  void finish();
  void settle_down();
  bool is_overdue(Milliseconds limit, TimePoint now) const;
  void stop_query();
  bool is_suspended() const;
  void end_if_idle_too_long(TimePoint now);
  void end_if_idle_in_transaction(TimePoint now);

  // Requests (client_requests.cpp)
  std::size_t consume(std::string_view bytes);
  void go_on();
  void forward_run(Cut& cut);
  Take take(Cut& cut, const Header& header, std::string_view message);
  Take take_query(Cut& cut, const Header& header, std::string_view message);
  Take take_parse(Cut& cut, const Header& header, std::string_view message);
  Take take_long_parse(const Header& header, std::string_view message);
  Take take_named_parse(Cut& cut, std::string_view name, std::string_view definition);
  void take_unnamed_parse(std::string_view definition);
  void remember_unnamed(std::string_view definition);
  EffectRef effect_of_definition(std::string_view definition);
  Take take_bind(Cut& cut, const Header& header, std::string_view message);
  Take take_describe(Cut& cut, const Header& header, std::string_view message);
  Take take_close(Cut& cut, const Header& header, std::string_view message);
  Take take_sync(Cut& cut);
  Take take_copy(FrontendType type);
  Take skip_message(FrontendType type);
  Take want_server(const Cut& cut, FrontendType type, std::string_view message);
  // `ahead`: what it is to be asked.
  void attach(ServerConnection& server, std::string_view ahead);
  void tell_of_wake();
  void note_asked();
  void release_if_done();
  void give_back();
  void fail_request(PgError error);

  // When a server is lost (client_resend.cpp)
  void begin_unanswered();
  void note_beginning(std::size_t size);
  void flush_answers();
  void keep_unanswered(std::string_view bytes);
  Repeatable repeatable_batch(std::string_view messages) const;
  bool may_resend() const;
  bool is_lost_with_others() const;
  bool resend();
  void take_back_request();
  // A server whose login is not over.
  bool may_ride(std::string_view messages) const;
  bool may_ride_too(const Cut& cut) const;
  void step_off();
  // Does the text take a session that has nothing on its server back to its start, and nowhere else?
  bool takes_to_start(const StatementEffect& effect, std::string_view sql) const;
  void go_to_start();
  bool is_free_to_go() const;
  bool outlives_own_queries();
  void let_go_of_server();
  void end_with_server(const PgError& why);

  Take refuse(std::string_view code, std::string message);
  Take refuse_in_copy();
  void refuse_length(const Header& header);

  // Transaction blocks (client_transactions.cpp)
  bool defers_begin() const;
  bool may_defer(std::string_view begin) const;
  TransactionStatus own_status() const;
  void write_own_ready();
  std::string_view control_block(TransactionControl control, std::string_view text);
  void end_block();
  static bool is_refused_in_failed_block(std::string_view message);
  Take take_alone(Cut& cut, FrontendType type, std::string_view message);
  Take took_alone();
  bool take_lone_batch(Cut& cut);
  struct LoneBatch {
    bool is_parsed;
    bool is_described;
    std::int16_t result_format;
  };
  bool answer_control(std::string_view definition, const LoneBatch& batch);
  void begin_on_server();

  // Pings (client_pings.cpp)
  Ping ping_of(std::string_view text) const;
  bool refuse_ping();
  void answer_ping(Ping ping);
  void answer_ping(Ping ping, std::string_view definition, const LoneBatch& batch);

  // Session state (client_state.cpp)
  // Do others use its server between its transactions, and is it to notice nothing of that?
  bool is_kept_apart() const;
  // A statement goes out: what may it leave behind?
  void note(const StatementEffect& effect);
  // What a prepared one may leave behind, with its Bind; false: the rest of the Bind must be here.
  bool note_bind(const StatementEffect& effect, const Header& header, std::string_view message);
  bool learn_names(std::string_view bind);
  void suspect(const StatementEffect& effect, ResidueSet kinds);
  ResidueSet left_by_functions(const StatementEffect& effect);
  // A request to come: what must its server be like? True: it reads values of sequences.
  bool look_ahead(FrontendType type, std::string_view message);
  // Valid until the next call, within take().
  const StatementEffect& effect_of(std::string_view text);
  const StatementEffect& effect_ahead(FrontendType type, std::string_view message);
  void meet_sequences();
  void leave_sequences();
  double random_seed() const;
  void claim();
  // Is what it resets not set again by the same text, nor the text rolled back while the client goes on?
  bool resets_for_certain(const StatementEffect& effect) const;
  void begin_audit();
  void judge_functions();
  // Those that a RESET of the client's has taken, and that are not set again yet.
  void mend_startup_values();
  // The client's startup values among those that the statement sets back to their defaults.
  ReportedParameters values_reset_by(const StatementEffect& effect) const;
  void count_pins();

  // LISTEN and NOTIFY (client_listening.cpp)
  void learn_channels();
  Notifications* find_shared(const Channels& channels);
  void stop_listening();
  bool hand_over();
  void listen_for(Cut& cut, const Header& header, std::string_view message);
  void listen_on_server();
  bool outlives_server();
  bool is_between_answers() const;
  bool may_hear() const;
  void hear_held();
  std::string as_told(std::string_view message, const Notification& notification) const;

  // Prepared statements (client_prepares.cpp)
  bool shares_statements() const;
  ClientStatements& statements();
  // Sees to it that the statement is on the server; false: not before outstanding answers have come.
  bool prepare(Cut& cut, const ClientStatements::Held& held);
  bool prepare_unnamed(Cut& cut);
  // Is this SQL a DEALLOCATE of a statement that the client has prepared by the protocol? Then it is
  // forgotten here, and the server is asked to deallocate a stand-in, so that the answer is its own.
  bool deallocates(std::string_view sql);
  void prepare_stand_in();
  static constexpr std::string_view stand_in = "ballast_0";  // no statement has the number 0
  static constexpr std::string_view deallocate_stand_in = "DEALLOCATE ballast_0";
  void make_room_for_statement();
  Request ending_unnamed(RequestKind kind);
  void close_on_server(std::uint64_t statement);
  void send_shared_parse(const Statement& statement, Request request);
  void send_parse(std::string_view name, std::string_view definition);
  Take wait_for_answers(Cut& cut);

  // SQL's EXECUTE (client_executes.cpp)
  std::vector<std::string> names_to_lend(const StatementEffect& effect) const;
  bool lend_for_query(Cut& cut, const StatementEffect& effect);
  void lend_in_batch(Cut& cut, const StatementEffect& effect);
  void take_names_back();

  // Lessee
  void on_answer(std::string_view bytes) override;
  std::string statement_name(const Request& request) const override;
  void on_error(std::string_view message, std::string_view statement_name) override;
  void on_parameters_changed() override;
  void on_parameters_refused(const PgError& why) override;
  void on_transaction_end() override;
  void on_audited() override;
  Heard on_notification(std::string_view message) override;
  void on_listened() override {}
  void on_schema_changed() override;
  void on_request_answered(const Request& request) override;
  void on_request_discarded(const Request& request) override;
  void on_statements_dropped() override;
  void on_answers_end() override;
  bool congested() const override { return outlet_.congested(); }
  bool holds_beginning() const override { return unanswered_.has_begun && unanswered_.is_open; }
  void on_let_in() override;
  void on_server_drained() override;
  void on_server_lost(const PgError& why) override;
  // Subscriber
  void on_listening() override;
  void on_shared_notification(std::string_view message) override;
  void on_shared_mark(std::uint64_t number) override;
  void on_notifications_end() override;
  void on_deaf() override;
  // Waiter
  void on_granted(ServerConnection& server) override;
  void on_refused(const PgError& why) override;
  bool may_ride() const override;
  std::string_view application_name() const override;

  SessionContext& context_;
  std::unique_ptr<Stream> stream_;
  Inbox inbox_;
  Outlet outlet_;
  std::unique_ptr<ClientLogin> login_;            // until AuthenticationOk
  std::unique_ptr<ClientStatements> statements_;  // from the first Parse on
  std::unique_ptr<Listening> listening_;          // from the first LISTEN that an audit has found on
  std::unique_ptr<Pool> own_pool_;                // of a replication connection
  Pool* pool_ = nullptr;                          // from AuthenticationOk on
  ServerConnection* server_ = nullptr;            // while leased
  ParameterSetRef parameters_;                    // the state that its statements are to run in
  ParameterSetRef startup_parameters_;            // the state that RESET goes back to
  std::string begin_;                             // the BEGIN of a block that no server knows of yet
  Unanswered unanswered_;                         // what its server has been asked
  std::vector<std::string> lent_;  // names of statements, on the server for the present request
  ReportedParameters to_restore_;  // of these: reset by a statement of the present batch
  ResidueSet pins_;                // that were found or are certain, and have been counted
  ResidueSet unknown_pins_;        // since an audit failed
  FunctionCalls calls_;            // since the last audit
  FunctionCalls judged_;           // that the audit under way is about
  std::string cancel_secret_;
  TimePoint since_;              // of the present state, or of the last change in it
  TimePoint asked_at_;           // what its server is at work on; nothing: it has answered
  TimePoint transaction_began_;  // on its server
  std::uint64_t id_;
  std::string_view plain_text_;  // of the message at hand, if it has been looked at and has no effect
  std::size_t body_left_ = 0;    // bytes of the present message still to come
  std::int32_t process_id_ = 0;  // as the client knows it
  CoarseTime connected_at_;
  CoarseTime requested_at_;  // its last request
  State state_ = State::login;
  Skip skip_ = Skip::nothing;
  Block block_ = Block::none;
  Interest interest_ = Interest::read;
  bool body_is_forwarded_ = false;
  bool is_stalled_ = false;       // waits for outstanding answers before it looks at the next request
  bool has_sequences_ = false;    // there may be a server whose sequences' values are its own
  bool was_reset_ = false;        // by its last request
  bool is_at_start_ = false;      // by that; the audit under way can say nothing else
  bool may_have_reset_ = false;   // settings, since the last audit
  bool has_open_resets_ = false;  // of these, some whose startup values only the audit will bring back
  bool is_admitted_ = false;      // counts in max_client_conn
  bool was_told_why_ = false;     // a FATAL error of the server's has gone to the client
};

}  // namespace ballast
