// ServerConnection: one logged-in connection to the database, and what is known of its state.
//
// Owned by a Pool, leased to one Lessee at a time. Reads by itself: walks message headers, streams what is
// the lessee's, drops what is ours. Bodies are never assembled, but those of errors, ParameterStatus and
// CommandComplete. Any answer that does not fit the pipeline ends the connection. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/intrusive/list.hpp>

#include "protocol/message.hpp"
#include "protocol/pipeline.hpp"
#include "protocol/server_login.hpp"

#include "proxy/io/inbox.hpp"
#include "proxy/io/outlet.hpp"
#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/audit.hpp"
#include "proxy/pool/lessee.hpp"
#include "proxy/pool/parameter_set.hpp"
#include "proxy/pool/permit.hpp"
#include "proxy/pool/server_figures.hpp"
#include "proxy/pool/server_limits.hpp"
#include "proxy/pool/server_residue.hpp"
#include "proxy/pool/server_statements.hpp"

namespace ballast {

class ServerConnection;
class UserTable;

// OpenLogin: a login that awaits the server's verdict, and the table that its key cache is in.
struct OpenLogin {
  std::shared_ptr<UserTable> users;  // a reload may have replaced it meanwhile
  std::unique_ptr<ServerLogin> login;
};

// ServerHold: as long as it lives, its server is given to nobody else. A cancel request holds the server that
// it is meant for. server() becomes null when the server ends first.
class ServerHold : public boost::intrusive::list_base_hook<> {
 public:
  explicit ServerHold(ServerConnection& server);
  ~ServerHold();
  ServerHold(const ServerHold&) = delete;
  ServerHold& operator=(const ServerHold&) = delete;
  ServerConnection* server() const { return server_; }

 private:
  friend class ServerConnection;
  ServerConnection* server_;
};

// What the pool must know of its servers.
class ServerOwner {
 public:
  // The last query of our own is done and the server is at rest. `error` is empty if all went well.
  virtual void on_settled(ServerConnection& server, const PgError& error) = 0;
  // Its login is over, or has failed; then its lessee has not been told yet, and on_server_broken() follows.
  virtual void on_logged_in(ServerConnection& server, const ReportedParameters& reported) = 0;
  virtual void on_login_failed(ServerConnection& server, const PgError& why, bool refused_by_server) = 0;
  // The connection broke or lost its way; the lessee, if there was one, has been told.
  virtual void on_server_broken(ServerConnection& server, const PgError& why) = 0;
  // A command has changed the schema.
  virtual void on_schema_changed() = 0;
  // A command has changed what servers are born with, maybe: ALTER ROLE, ALTER DATABASE.
  virtual void on_defaults_changed() = 0;
  // No cancel request is under way any more.
  virtual void on_unheld(ServerConnection& server) = 0;
  virtual ParameterSets& parameter_sets() = 0;
  // What an audit is to know of the sessions that share the server.
  virtual const CustomSettings& custom_settings() const = 0;
  // Is it time to ask which custom settings the database's functions set? True of these: some were not known.
  virtual bool wants_setting_names() const = 0;
  virtual bool learn_setting_names(const CustomSettings& names) = 0;
  // Do functions set some that can't be asked for?
  virtual bool has_nameless_settings() const = 0;
  // Is the server to be asked how many connections it takes? Who is told so asks.
  virtual bool takes_limits_question() = 0;
  virtual void on_limits(const ServerLimits& limits) = 0;
  virtual const std::string& login_user() const = 0;
  virtual const ReportedParameters& bare_parameters() const = 0;

 protected:
  ~ServerOwner() = default;
};

// What a query of our own is for.
enum class OwnQuery : std::uint8_t {
  none,
  login,       // none, in truth: what is owed until the login is over
  encoding,    // before `parameters`
  parameters,  // to a client's state, in front of its requests
  restore,     // values of a client's startup packet, behind a RESET of its
  rollback,
  reset,
  audit,
  listen,
  probe,
  discard_sequences,
  reseed,
  begin,
  fail_block,
  name,
  limits,
  last,  // behind all that a lessee has asked, who is gone
};

class ServerConnection final : public Mortal, public StreamListener, private PipelineObserver {
 public:
  enum class State {
    idle,      // in the pool's idle list
    leased,    // a client has it
    settling,  // a query of our own (rollback, reset, first use of a parameter set) is under way, nobody has
               // it
    held,      // nobody has it, but a cancel request that may still hit it is under way
  };

  struct Birth {
    std::unique_ptr<Stream> stream;
    ReportedParameters reported;
    std::int32_t process_id = 0;
    std::string cancel_secret;
    std::string unread;          // for read_on(), once it is in its pool
    OpenLogin login = {};        // still open: who leases it asks in the same flight
    std::string unsent = {};     // the login's last word
    ParameterSetRef parameters;  // the set that the startup packet carried
    Permit permit;
    std::uint64_t id = 0;
    TimePoint born;
    TimePoint pays_off;  // see ServerConnection::pays_off()
    TimePoint since;     // when it was used last
    TimePoint expires;
    TimePoint active_at = long_ago;
    ServerStatements statements;  // of one that comes from another worker
    bool used = false;            // likewise
    bool is_fresh = true;         // likewise
  };
  ServerConnection(Birth birth, Loop& loop, ServerOwner& owner);
  ~ServerConnection() override;

  // Lease and state
  // -------------------------------------------------------------------------------------------
  void lease_to(Lessee& lessee);
  void unlease();
  Lessee* lessee() const { return lessee_; }
  State state() const { return state_; }
  void become(State state);
  TimePoint since() const { return since_; }  // of the present state
  TimePoint connected_at() const { return born_; }
  // From then on it has served long enough to be worth the connect that it took.
  TimePoint pays_off() const { return pays_off_; }
  bool is_held() const { return !holds_.empty(); }
  // When it was last logged in or answered, to anything but a probe: what puts off the database's sleep.
  TimePoint active_at() const { return active_at_; }
  // The lessee would like to find this server again: values of sequences, statistics, caches of triggers.
  // Ends when somebody else gets it.
  void claim(std::uint64_t claimant) { claimant_ = claimant; }
  std::uint64_t claimant() const { return claimant_; }
  // Whose values currval() and lastval() tell. Has the lessee perhaps added to them?
  static constexpr std::uint64_t nobody = 0;
  static constexpr std::uint64_t several = ~std::uint64_t{0};
  void give_sequences(std::uint64_t owner) { sequences_of_ = owner; }
  std::uint64_t sequences_of() const { return sequences_of_; }
  void draw() { has_drawn_ = true; }
  bool has_drawn() const { return has_drawn_; }
  // Has any client ever had it?
  bool is_fresh() const { return is_fresh_; }
  // Has a client had it since it was born or reset?
  bool is_used() const { return used_; }
  // Don't use it again once it is given back.
  void retire() { retired_ = true; }
  bool retired() const { return retired_ || pipeline_.doubtful(); }
  bool broken() const { return broken_; }

  // Requests
  // --------------------------------------------------------------------------------------------------
  // Messages go to send()/gather() as bytes and to expect() as what they ask for, in the same order.
  void expect(const Request& request) { pipeline_.add(request); }
  void send(std::string_view bytes) { outlet_.send(*stream_, bytes); }
  std::string& gather() { return outlet_.buffer(); }
  void flush();
  bool congested() const { return outlet_.congested(); }
  void resume_reading();

  // Queries of our own (server_own_queries.cpp): their answers are dropped
  // ----------------------------------------------------------
  // on_settled() follows if nobody has the server. This one takes it back to the state in which it was born.
  void reset(std::string_view sql, const ParameterSetRef& bare);
  // Ends the transaction that a client has left. What it had set in it goes back with it.
  void roll_back();
  // On its way to `target`'s state; it rides in front of the lessee's requests.
  void take_parameters(const ParameterSetRef& target);
  // These values again, behind a command of the lessee's that has reset them.
  void restore(const ReportedParameters& values);
  // The lessee's BEGIN, held back until now.
  void begin(std::string_view sql);
  // Something in it has failed that the server knows nothing of.
  void fail_block();
  // For a query of the lessee's between the two there is a prepared statement of that name.
  void lend_name(std::string_view name, std::string_view definition);
  void take_name_back(std::string_view name);
  // LISTEN of our own (server_channels.cpp). For the lessee, from the mark on; nothing may be under way in a
  // transaction. Then until another mark. The lessee hears the marks as others hear notifications.
  void listen_from(std::string_view mark_channel, Mark mark, const Channels& channels);
  void listen_until(std::string_view mark_channel, Mark mark);
  // For many clients; Lessee::on_listened() follows.
  void listen(const Channels& begun, const Channels& ended);
  // What it listens to, as of the last audit or of listen_from().
  const Channels& channels() const { return channels_; }
  // What the lessee has made it wait with goes on.
  void relay_on();
  // Its login is not over, or has failed, or it turned out not to be in the state in which it was lent: what
  // its lessee has asked counts for nothing then, and must be fit to be asked of another server.
  bool is_unproved() const { return is_unproved_; }
  bool is_logging_in() const { return login_.login != nullptr; }
  void end_login(PgError why) { break_with(std::move(why)); }
  // The lessee has left, the login goes on: what it has asked is answered to nobody, then the server settles.
  void outlive_lessee();
  // Is it still there? Asked in front of whatever its next lessee asks.
  void probe();
  bool is_probing() const { return is_probing_; }
  // Probed by keepalive, for no lessee.
  bool is_pinged() const { return is_probing_ && state_ == State::settling; }
  void fail_probe();
  // Has it said that it was being shut down, in answer to what its lessee asked or to what went before it?
  bool has_said_goodbye() const { return has_said_goodbye_; }
  // Of one that is lost: was something of its lessee's under way? And was it found to be gone, rather than
  // ended by anybody?
  bool owed_answers() const { return owed_answers_; }
  bool was_silent() const { return broken_ && stream_->has_timed_out(); }
  // currval() and lastval() are to know nothing of those who had it before.
  void forget_sequences();
  // Nor are they to know what random() is going to say. `seed` is unforeseeable, from -1 to 1.
  void reseed(double seed);
  // Asks for what the requests so far may have left behind; Lessee::on_audited() follows.
  void audit();
  // Is a query of our own under way? And nothing else?
  bool is_busy_with_own() const { return own_queries_ > 0; }
  bool is_busy_with_own_only() const;

  // A request goes out that may leave something behind.
  void suspect(ResidueSet kinds) { residue_.suspect(kinds); }
  const ServerResidue& residue() const { return residue_; }

  const Pipeline& pipeline() const { return pipeline_; }
  ServerStatements& statements() { return statements_; }
  const ParameterSetRef& parameters() const { return parameters_; }
  const ReportedParameters& reported() const { return reported_; }
  // Whose unnamed statement is on the server, by the number that its client gave it.
  struct Unnamed {
    static constexpr std::uint64_t none = 0;
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};
    std::uint64_t tag = none;
    std::uint64_t group = 0;  // in which its Parse went out; 0: confirmed
  };
  const Unnamed& unnamed() const { return unnamed_; }
  // A message goes out that puts the unnamed statement with that tag in place, or ends it (Unnamed::unknown);
  // if it is skipped behind an error, the former one is there still.
  void replace_unnamed(std::uint64_t tag);
  void forget_unnamed() { unnamed_ = unnamed_before_ = {}; }

  std::int32_t process_id() const { return process_id_; }
  const std::string& cancel_secret() const { return cancel_secret_; }
  const Stream& stream() const { return *stream_; }
  std::uint64_t id() const { return id_; }
  std::string name() const;
  TimePoint expires() const { return expires_; }
  ServerFigures figures(const PoolKey& key, Duration check_delay) const;
  Permit& permit() { return permit_; }
  // Bytes of its that somebody else has read.
  void read_on(std::string_view bytes);
  // The lessee has got the beginning of a message whose end has not come.
  bool is_mid_message() const { return body_left_ > 0 && body_is_forwarded_; }
  // Nothing is on its way in either direction.
  bool is_movable() const {
    return !is_relaying_ && pipeline_.at_rest() && inbox_.kept().empty() && body_left_ == 0 &&
           outlet_.empty() && !is_held() && !residue_.is_seeded();
  }
  // All that another worker needs to go on with it; of an idle one. This is an empty shell then.
  Birth move_out();
  // Ends it without a word.
  void hang_up();
  // Ends it in order: Terminate, close. The owner buries it.
  void say_goodbye();

  void on_readable() override;
  void on_writable() override;

 private:
  friend class ServerHold;
  std::size_t advance_login(std::string_view bytes);
  void finish_login();
  std::size_t relay(std::string_view bytes);
  // What became of a message: `error` and `notification` are for the lessee too, but by calls of
  // their own.
  enum class Handled { forwarded, dropped, error, notification, incomplete, ended };
  Handled handle_message(const Header& header, std::string_view message);
  Handled handle_verdict(Pipeline::Verdict verdict);
  Handled handle_error(std::string_view body);
  Handled handle_notice(const Header& header, std::string_view message);
  Handled handle_parameter(std::string_view body);
  Handled handle_command_complete(std::string_view body);
  Handled handle_ready(std::string_view body);
  Handled ended(const char* why);
  void end();
  void run_own(std::string_view sql, OwnQuery purpose);
  void expect_own(RequestKind kind, OwnQuery purpose);
  OwnQuery own_query() const;
  void own_query_done(OwnQuery purpose);
  void parameters_done();
  void own_query_failed(const PgError& error);
  void audit_done();
  void listened();
  Handled handle_finding(std::string_view body);
  Handled handle_limits(std::string_view body);
  void settle_unnamed(const Request& request, const Unnamed& result);
  void release_holds();
  void break_with(PgError why);
  void on_answered(const Request& request) override;
  void on_discarded(const Request& request) override;

  std::unique_ptr<Stream> stream_;
  Loop& loop_;
  ServerOwner& owner_;
  Lessee* lessee_ = nullptr;
  Inbox inbox_;
  Outlet outlet_;
  Pipeline pipeline_;
  ServerStatements statements_;
  Unnamed unnamed_;
  Unnamed unnamed_before_;      // what is there for certain, should what is under way be skipped
  ParameterSetRef parameters_;  // the set that it is in, or on its way to
  ParameterSetRef parameters_before_;
  ReportedParameters reported_;  // what it reported last, setting by setting
  std::int32_t process_id_;
  std::string cancel_secret_;
  Permit permit_;  // its place in the server budget
  std::uint64_t id_;
  TimePoint born_;
  TimePoint pays_off_;
  TimePoint expires_;
  TimePoint since_;
  TimePoint active_at_;
  std::string error_name_;  // the lessee's name for the statement that the present error is about
  PgError last_words_;      // why it has ended
  PgError own_error_;       // of a query of our own that failed
  int own_queries_ = 0;     // under way
  OpenLogin login_;
  bool is_unproved_ = false;
  ServerResidue residue_;
  Findings findings_;  // of the audit under way
  Channels channels_;  // that it listens to for its lessee
  boost::intrusive::list<ServerHold> holds_;
  std::size_t body_left_ = 0;  // bytes of the present message still to come
  bool body_is_forwarded_ = false;
  bool is_relaying_ = false;  // are there bytes of the present read that relay() has not seen?
  bool used_ = false;
  bool is_waiting_ = false;  // with what it has read, until the lessee says so
  bool is_fresh_ = true;
  std::uint64_t claimant_ = 0;  // who has left something on it that only a claim keeps; 0: nobody
  std::uint64_t sequences_of_ = nobody;
  bool has_drawn_ = false;
  bool is_probing_ = false;
  bool has_said_goodbye_ = false;
  bool owed_answers_ = false;
  bool asked_names_ = false;                // of custom settings, with the audit under way
  bool may_have_changed_defaults_ = false;  // in the present transaction
  bool paused_ = false;                     // not reading, because the lessee is congested
  bool retired_ = false;
  bool broken_ = false;
  State state_ = State::idle;
};

}  // namespace ballast
