// HealthCommand: `ballast health` asks the Ballast that runs with the same settings whether it takes clients,
// by GET /ready. It is the health check of containers, which have no curl. The database is not asked, so it
// may sleep. A process of its own; waits for at most health_timeout.
#pragma once

#include <chrono>

#include "proxy/base/settings.hpp"

namespace ballast {

constexpr std::chrono::seconds health_timeout{3};

// Prints "ready", or on standard error what is wrong. 0: it takes clients; else 1.
int health(const Settings& settings);

}  // namespace ballast
