#include "tests/sim/database.hpp"

#include <algorithm>
#include <map>

#include "tests/sim/sim_server.hpp"

namespace ballast::sim {

namespace {
constexpr int scram_iterations = 2;  // the simulation's time is not for PBKDF2
}

Database::Database(SimLoop& loop, Dice dice, Journal& journal, const DatabaseTraits& traits,
                   const LinkTraits& link)
    : loop_(loop), dice_(dice), journal_(journal), traits_(traits), link_(link) {
  answers_to_fault_ = dice_.between(1, 60);
  secret_.scram = make_scram_secret(password, "0123456789abcdef", scram_iterations);
  if (traits_.kill_every.count() > 0) plan_kill();
}

Database::~Database() = default;

std::unique_ptr<SimStream> Database::connect() {
  auto [near, far] = SimStream::connect(loop_, dice_, link_, "db:5432");
  near->belongs_to(heap::Owner::pooler);
  near->set_route({.host = "db", .address = "10.0.0.2", .text = "10.0.0.2:5432", .tls = false});
  servers_.push_back(std::make_unique<SimServer>(*this, std::move(far), ++last_process_id_));
  return std::move(near);
}

const UserSecret* Database::find(std::string_view) { return &secret_; }

Database::LoginFate Database::decide_login() {
  const auto there = std::count_if(servers_.begin(), servers_.end(),
                                   [](const auto& server) { return server->is_logged_in(); });
  if (traits_.max_connections > 0 && there >= traits_.max_connections) return LoginFate::refused_for_now;
  if (!is_calm_) {
    if (dice_.percent(traits_.refuse_percent)) return LoginFate::refused_for_now;
    if (dice_.percent(traits_.refuse_for_good_percent)) {
      has_refused_for_good_ = true;
      return LoginFate::refused_for_good;
    }
  }
  let_in_at_ = loop_.now();
  return LoginFate::welcome;
}

void Database::cancel(std::int32_t process_id, std::string_view secret) {
  for (const auto& server : servers_) {
    if (server->process_id() == process_id && server->secret() == secret) return server->cancel();
  }
}

void Database::ended(SimServer& server) {
  const auto at = std::find_if(servers_.begin(), servers_.end(),
                               [&server](const auto& other) { return other.get() == &server; });
  if (at == servers_.end()) return;
  loop_.bury(std::move(*at));
  servers_.erase(at);
}

void Database::plan_kill() {
  loop_.after(dice_.between(Duration(1), traits_.kill_every * 2), [this] {
    if (is_calm_) return;
    kill_one();
    plan_kill();
  });
}

void Database::kill_one() {
  std::vector<SimServer*> alive;
  for (const auto& server : servers_) {
    if (server->is_logged_in() && !server->is_ending()) alive.push_back(server.get());
  }
  if (alive.empty()) return;
  ++kills_;
  dice_.pick(alive)->die();
}

int Database::copies_of(char type) {
  if (traits_.fault == Fault::none || has_injected_fault_) return 1;
  // Notices and reports are not answers.
  if (type == 'N' || type == 'S' || --answers_to_fault_ > 0) return 1;
  has_injected_fault_ = true;
  return traits_.fault == Fault::drop_answer ? 0 : 2;
}

void Database::check() {
  std::map<PoolKey, int> by_pool;
  std::map<std::string, int> by_database;
  std::map<std::string, int> by_user;
  for (const auto& server : servers_) {
    if (!server->is_logged_in() || !server->is_pooler_there()) continue;
    const auto too_many = [](int count, int limit) { return limit > 0 && count > limit; };
    if (too_many(++by_pool[server->key()], traits_.server_count_max))
      journal_.fail("database", "pool_size exceeded");
    if (too_many(++by_database[server->key().database], traits_.database_count_max)) {
      journal_.fail("database", "max_db_connections exceeded");
    }
    if (too_many(++by_user[server->key().user], traits_.user_count_max)) {
      journal_.fail("database", "max_user_connections exceeded");
    }
  }
}

}  // namespace ballast::sim
