// Service: `ballast serve`. The control thread: binds, starts the workers, and obeys signals:
//   SIGHUP            reads settings, users and certificates again; if any is wrong, the old ones stay
//   SIGTERM, SIGINT   no new clients; transactions finish within shutdown_timeout; the second one ends at
//   once
#pragma once

#include "proxy/app/options.hpp"

namespace ballast {

// Returns the exit code: 0 after a drain, usage_exit_code if it can't start (with one line on standard
// error).
int serve(Options options, int argc, const char* const* argv, const Environment& environment);

}  // namespace ballast
