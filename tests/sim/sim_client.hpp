// SimClient: an application that talks to the pooler: logs in, speaks, checks every answer against its
// oracle, leaves in one of many ways. It knows its manners: how much it sends and reads at once, how far it
// runs ahead of the answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/server_login.hpp"

#include "proxy/io/world.hpp"

#include "tests/sim/dice.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_stream.hpp"
#include "tests/sim/speaker.hpp"

namespace ballast::sim {

class Theatre;

struct ClientManners {
  std::string user;
  std::string database;
  StartupParameters parameters;
  Speaker::Weights weights{};
  int groups = 10;                // how much it has to say
  int groups_ahead_max = 1;       // sent before the first is answered
  Duration pause_max{};           // between two
  std::size_t write_max = 65536;  // at once; then a pause, if it is small
  std::size_t read_max = 65536;
  Duration read_pause_max{};  // between reads
  Duration arrives{};
  Duration vanishes{};     // zero: it leaves when all is said
  int cancel_percent = 0;  // chance of a cancel request after a group
  bool is_polite = true;   // says Terminate
};

class SimClient final : public StreamListener {
 public:
  SimClient(Theatre& theatre, int number, const ClientManners& manners, Dice dice);
  ~SimClient();

  bool is_done() const { return state_ == State::done; }
  const std::string& name() const { return name_; }
  // What must hold at the end of every turn.
  void check();
  // Why it is not done, for the report.
  std::string predicament();

  void on_readable() override;
  void on_writable() override;

 private:
  enum class State { coming, login, talking, done };

  void arrive();
  void advance_login();
  void logged_in();
  void check_login_report();
  void login_failed();
  void act();
  void act_later();
  void speak();
  void ask_for_cancel();
  void write_out();
  void wait();
  void take_messages();
  void take(std::string_view message);
  bool take_deviation(const PgError& error);
  bool is_shed(const PgError& error) const;
  bool is_told_of_shut_database(const PgError& error) const;
  bool may_be_told(const PgError& fatal) const;
  void take_end();
  void leave();
  void fail(std::string_view what);

  Theatre& theatre_;
  ClientManners manners_;
  Dice dice_;
  std::string name_;
  std::unique_ptr<SimStream> stream_;
  std::optional<ServerLogin> login_;
  PgError login_refusal_;  // what a direct login would have been told
  Oracle oracle_;
  Speaker speaker_;
  std::string in_;
  std::string out_;
  State state_ = State::coming;
  int groups_left_;
  int groups_ahead_ = 0;
  int cancels_ = 0;  // requests that may still strike
  bool is_reading_paused_ = false;
  bool is_writing_paused_ = false;
  bool is_acting_later_ = false;
  bool was_told_the_end_ = false;  // a FATAL error has come
  std::string awaited_token_;
  TimePoint all_sent_at_{};
  TimePoint heard_at_{};
  std::shared_ptr<bool> alive_;
};

}  // namespace ballast::sim
