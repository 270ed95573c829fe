// ConsoleFigures: all that a SHOW may tell, at one moment or nearly so. What a command does not ask for is
// left empty. Plain data, made on the control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/app/options.hpp"
#include "proxy/io/world.hpp"
#include "proxy/pool/gates.hpp"
#include "proxy/pool/keepalive.hpp"
#include "proxy/pool/pool_statistics.hpp"
#include "proxy/pool/server_figures.hpp"
#include "proxy/pool/slot_budget.hpp"
#include "proxy/pool/upstream.hpp"
#include "proxy/session/client_figures.hpp"

namespace ballast {

// A prepared statement that clients share, on one worker.
struct StatementFigures {
  std::uint64_t id = 0;
  std::string text;
  std::size_t holders = 0;  // names of clients that mean it
};

// What had been served a while ago.
struct PastFigures {
  std::map<PoolKey, PoolFigures> pools;
  std::map<std::string, ServedTotals> databases;
  TimePoint at;
};

struct ConsoleFigures {
  const Options* options = nullptr;
  TimePoint now;
  std::chrono::system_clock::time_point wall;    // the same moment
  std::vector<std::string> users;                // who may log in
  std::vector<PoolFigures> pools;                // each once, of all workers
  std::map<std::string, ServedTotals> departed;  // by pools that are not there any more, by database
  std::shared_ptr<const PastFigures> past;       // shared with the history; null: there is none
  std::vector<ClientFigures> clients;
  std::vector<ServerFigures> servers;
  std::vector<StatementFigures> statements;
  std::vector<StreamFigures> doors;  // the sockets that clients come to
  std::size_t client_bytes = 0;      // that one of them takes
  std::size_t server_bytes = 0;
  std::size_t pool_bytes = 0;
  Gates gates;
  Upstream::State upstream = Upstream::State::unknown;
  SlotBudget::Figures slots;
  Keepalive::Figures keepalive;
};

// By database.
std::map<std::string, ServedTotals> served(const ConsoleFigures& figures);

}  // namespace ballast
