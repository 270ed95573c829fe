// PoolReport: how the pools of a worker stand, with the servers beside them: those that listen for all
// (Notifications) and those of replication connections, which count to the pool of their database and user.
// To be called on the worker's own thread.
#pragma once

#include <vector>

#include "proxy/pool/pool_set.hpp"
#include "proxy/session/session_set.hpp"

namespace ballast {

// Each under its ordinary key, in parts that are to be added up.
std::vector<PoolFigures> pool_figures(const PoolSet& pools, const SessionSet& sessions);
std::vector<ServerFigures> server_figures(const PoolSet& pools, const SessionSet& sessions);

}  // namespace ballast
