// Plan: what a seed decides before a run begins: the settings of the pooler, the weather of the network, the
// database's moods, and who comes with which manners.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/settings.hpp"

#include "tests/sim/database.hpp"
#include "tests/sim/sim_client.hpp"
#include "tests/sim/sim_connector.hpp"
#include "tests/sim/sim_stream.hpp"

namespace ballast::sim {

struct Plan {
  std::shared_ptr<const Settings> settings;
  std::map<std::string, std::string> secrets;
  int workers = 1;
  Duration drains{};  // zero: never
  Duration pauses{};  // zero: never
  Duration pause_lasts{};
  Duration reconnects{};  // zero: never
  LinkTraits client_link;
  LinkTraits server_link;
  ConnectTraits connect;
  DatabaseTraits database;
  std::vector<ClientManners> clients;
};

Plan make_plan(Dice& dice, Fault fault);

}  // namespace ballast::sim
