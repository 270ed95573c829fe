#include "tests/sim/plan.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace ballast::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

LinkTraits make_link(Dice& dice) {
  LinkTraits link;
  link.delay_min = microseconds(dice.between(1, 200));
  link.delay_max = link.delay_min + Duration(microseconds(dice.between(0, 3000)));
  constexpr std::array<std::size_t, 5> sizes{700, 4096, 16384, 65536, 200000};
  link.buffer_size = dice.pick(sizes);
  constexpr std::array<int, 4> percents{0, 5, 30, 80};
  link.cut_percent = dice.pick(percents);
  link.cut_max = dice.pick(std::array<std::size_t, 3>{1, 8, 200});
  link.short_percent = dice.pick(std::array<int, 3>{0, 5, 40});
  link.stall_percent = dice.pick(std::array<int, 3>{0, 0, 10});
  link.stall_max = milliseconds(dice.between(1, 20));
  link.spurious_percent = dice.pick(std::array<int, 2>{0, 5});
  return link;
}

std::shared_ptr<const Settings> make_settings(Dice& dice) {
  auto settings = std::make_shared<Settings>();
  settings->upstream.hosts.push_back({"db", "", 5432});
  settings->upstream.user = "u1";
  settings->upstream.password = Database::password;
  settings->upstream.sslmode = dice.percent(40) ? SslMode::verify_full : SslMode::disable;
  settings->auth_type = dice.percent(10) ? AuthType::scram_sha_256 : AuthType::trust;
  settings->pool_mode = dice.percent(15) ? PoolMode::session : PoolMode::transaction;
  settings->default_pool_size = dice.between(1, 4);
  settings->reserve_pool_size = dice.percent(20) ? 1 : 0;
  settings->reserve_pool_timeout = milliseconds(dice.between(50, 500));
  settings->min_pool_size = dice.percent(15) ? 1 : 0;
  settings->max_db_connections = dice.percent(20) ? dice.between(1, 4) : 0;
  settings->max_user_connections = dice.percent(20) ? dice.between(1, 4) : 0;
  settings->max_server_connecting = dice.between(1, 4);
  settings->max_prepared_statements = dice.pick(std::array<int, 4>{1, 2, 3, 200});
  settings->pool_target = dice.percent(25) ? PoolTarget::latency : PoolTarget::size;
  settings->queue_target = milliseconds(dice.pick(std::array<int, 4>{0, 0, 20, 300}));
  settings->max_queue = dice.percent(20) ? dice.between(1, 4) : 0;
  settings->fair_by = dice.pick(std::array<FairBy, 3>{FairBy::none, FairBy::user, FairBy::application_name});
  settings->query_wait_timeout = milliseconds(dice.pick(std::array<int, 3>{400, 2000, 60000}));
  settings->server_connect_timeout = milliseconds(dice.between(500, 3000));
  settings->server_login_retry = milliseconds(dice.between(20, 300));
  settings->server_idle_timeout = milliseconds(dice.between(200, 5000));
  settings->server_lifetime = milliseconds(dice.pick(std::array<int, 3>{200, 3000, 3600000}));
  settings->cancel_wait_timeout = milliseconds(dice.between(200, 2000));
  if (dice.percent(8)) settings->query_timeout = milliseconds(dice.between(100, 1000));
  if (dice.percent(8)) settings->idle_transaction_timeout = milliseconds(dice.between(100, 1000));
  if (dice.percent(8)) settings->client_idle_timeout = milliseconds(dice.between(100, 1000));
  if (dice.percent(8)) settings->max_client_conn = dice.between(1, 6);
  if (settings->pool_mode == PoolMode::session && dice.percent(30)) settings->max_prepared_statements = 0;
  const bool is_verified = settings->upstream.sslmode == SslMode::verify_full;
  if (is_verified || settings->max_server_connecting % 2 == 0) settings->scale_to_zero = ScaleToZero::on;
  return settings;
}

Speaker::Weights make_weights(Dice& dice) {
  Speaker::Weights weights{};
  if (dice.percent(30)) {
    weights.fill(5);
  } else {
    // A few habits.
    for (int left = dice.between(1, 4); left > 0; --left)
      weights[dice.between(std::size_t{0}, topic_count - 1)] += 10;
  }
  weights[static_cast<std::size_t>(Topic::simple)] += 2;
  return weights;
}

StartupParameters make_parameters(Dice& dice) {
  StartupParameters parameters;
  if (dice.percent(40))
    parameters.emplace_back("application_name", "app" + std::to_string(dice.between(1, 3)));
  if (dice.percent(20)) parameters.emplace_back("TimeZone", dice.percent(90) ? "Asia/Tokyo" : "Nowhere");
  if (dice.percent(10)) parameters.emplace_back("datestyle", "german");
  if (dice.percent(10)) parameters.emplace_back("search_path", "a,\"B c\"");
  if (dice.percent(3)) parameters.emplace_back("no_such_setting", "1");
  return parameters;
}

ClientManners make_client(Dice& dice) {
  ClientManners manners;
  manners.user = dice.percent(75) ? "u1" : "u2";
  manners.database = dice.percent(75) ? "d1" : "d2";
  if (dice.percent(40)) manners.parameters = make_parameters(dice);
  manners.weights = make_weights(dice);
  manners.groups = dice.between(0, 25);
  manners.groups_ahead_max = dice.percent(70) ? 1 : dice.between(2, 8);
  manners.pause_max =
      dice.percent(60) ? Duration(microseconds(500)) : Duration(milliseconds(dice.between(1, 300)));
  if (dice.percent(10)) manners.write_max = dice.between(std::size_t{1}, std::size_t{20});
  if (dice.percent(15)) {
    manners.read_max = dice.between(std::size_t{50}, std::size_t{2000});
    manners.read_pause_max = microseconds(dice.between(1, 3000));
  }
  manners.arrives = microseconds(dice.between(0, 300000));
  if (dice.percent(20)) manners.vanishes = microseconds(dice.between(1, 1500000));
  if (dice.percent(25)) manners.cancel_percent = dice.between(1, 60);
  manners.is_polite = dice.percent(70);
  return manners;
}

}  // namespace

Plan make_plan(Dice& dice, Fault fault) {
  Plan plan;
  plan.settings = make_settings(dice);
  plan.secrets = {{"u1", std::string(Database::password)}, {"u2", std::string(Database::password)}};
  if (dice.percent(30)) plan.workers = dice.between(2, 3);
  if (dice.percent(6)) plan.drains = milliseconds(dice.between(50, 1000));
  plan.client_link = make_link(dice);
  plan.server_link = make_link(dice);
  const bool is_stormy = fault == Fault::none && dice.percent(40);
  plan.connect.delay_max = milliseconds(dice.between(1, 30));
  if (is_stormy) {
    plan.connect.fail_percent = dice.percent(50) ? dice.between(0, 40) : 0;
    plan.connect.hang_percent = dice.percent(30) ? dice.between(0, 20) : 0;
    plan.database.refuse_percent = dice.percent(30) ? dice.between(0, 40) : 0;
    plan.database.refuse_for_good_percent = dice.percent(20) ? 20 : 0;
    if (dice.percent(70)) plan.database.kill_every = milliseconds(dice.between(5, 1000));
  }
  const bool is_verified = plan.settings->upstream.sslmode == SslMode::verify_full;
  plan.database.scram_percent = dice.percent(is_verified ? 90 : 20) ? 100 : 0;
  if (dice.percent(30)) plan.database.think_max = microseconds(dice.between(1, 5000));
  plan.database.server_count_max = plan.settings->default_pool_size + plan.settings->reserve_pool_size;
  plan.database.database_count_max = plan.settings->max_db_connections;
  plan.database.user_count_max = plan.settings->max_user_connections;
  plan.database.fault = fault;
  for (int left = dice.between(1, 12); left > 0; --left) plan.clients.push_back(make_client(dice));
  if (fault == Fault::none && dice.percent(25)) plan.database.max_connections = dice.between(2, 6);
  if (dice.percent(15)) {
    plan.pauses = milliseconds(dice.between(20, 600));
    plan.pause_lasts = milliseconds(dice.between(1, 1500));
  }
  if (dice.percent(10)) plan.reconnects = milliseconds(dice.between(20, 600));
  return plan;
}

}  // namespace ballast::sim
