// Database: the machine behind the pooler. Takes connections, each a SimServer; counts them as a referee
// does; carries out cancel requests; now and then kills a session or refuses a login.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/client_login.hpp"

#include "proxy/pool/pool_key.hpp"

#include "tests/sim/dice.hpp"
#include "tests/sim/journal.hpp"
#include "tests/sim/sim_loop.hpp"
#include "tests/sim/sim_stream.hpp"

namespace ballast::sim {

class SimServer;

// A fault put into the stream from one server to the pooler: what a mistake in the pooler's book-keeping
// looks like.
enum class Fault { none, drop_answer, double_answer };

struct DatabaseTraits {
  int scram_percent = 0;            // chance that a login asks for SCRAM
  int refuse_percent = 0;           // chance that a login is refused for now
  int refuse_for_good_percent = 0;  // chance that it is refused for a reason that does not pass
  Duration think_max{};             // a server takes up to this long before it looks at what came
  Duration kill_every{};            // about how often a session is killed; zero: never
  int server_count_max = 0;         // of one pool
  int database_count_max = 0;       // 0: no limit
  int user_count_max = 0;
  int max_connections = 0;  // 0: more than will ever come
  Fault fault = Fault::none;
};

class Database final : public SecretSource {
 public:
  Database(SimLoop& loop, Dice dice, Journal& journal, const DatabaseTraits& traits, const LinkTraits& link);
  ~Database();

  static constexpr std::string_view password = "sesame";
  static constexpr std::string_view refusal = "the tenant's quota has been used up";

  // The pooler's end of a new connection.
  std::unique_ptr<SimStream> connect();
  void kill_one();
  // Nobody is refused or killed from now on.
  void calm_down() { is_calm_ = true; }
  // What must hold at the end of every turn.
  void check();

  int kills() const { return kills_; }
  bool has_refused_for_good() const { return has_refused_for_good_; }
  // Has nobody been let in for so long?
  bool has_been_shut_for(Duration time) const { return loop_.now() - let_in_at_ >= time; }
  bool has_injected_fault() const { return has_injected_fault_; }
  bool has_seen(const std::string& token) const { return seen_.contains(token); }

  // For the servers.
  SimLoop& loop() { return loop_; }
  Dice& dice() { return dice_; }
  Journal& journal() { return journal_; }
  const DatabaseTraits& traits() const { return traits_; }
  void cancel(std::int32_t process_id, std::string_view secret);
  void ended(SimServer& server);
  void saw(const std::string& token) { seen_.insert(token); }
  enum class LoginFate { welcome, refused_for_now, refused_for_good };
  LoginFate decide_login();
  // What becomes of one message of a server's; how many times it is sent: once, but for the fault.
  int copies_of(char type);
  const UserSecret* find(std::string_view user) override;

 private:
  void plan_kill();

  SimLoop& loop_;
  Dice dice_;
  Journal& journal_;
  DatabaseTraits traits_;
  LinkTraits link_;
  UserSecret secret_;
  std::vector<std::unique_ptr<SimServer>> servers_;
  std::set<std::string, std::less<>> seen_;
  std::int32_t last_process_id_ = 0;
  int kills_ = 0;
  TimePoint let_in_at_;  // somebody, the last time
  int answers_to_fault_;
  bool is_calm_ = false;
  bool has_refused_for_good_ = false;
  bool has_injected_fault_ = false;
};

}  // namespace ballast::sim
