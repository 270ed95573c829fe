// Service: `ballast serve`. The control thread: binds, starts the workers, and obeys signals, as PgBouncer
// does but for the first of these lines:
//   SIGTERM, SIGINT   drain: no new clients; transactions finish within shutdown_timeout; the second one ends
//                     at once, as SIGQUIT does
//   SIGHUP            reads settings, users and certificates again; if any is wrong, the old ones stay
//   SIGUSR1, SIGUSR2  PAUSE, RESUME
#pragma once

#include "proxy/app/options.hpp"

namespace ballast {

// Returns the exit code: 0 after a drain, usage_exit_code if it can't start (with one line on standard
// error).
int serve(Options options, int argc, const char* const* argv, const Environment& environment);

}  // namespace ballast
