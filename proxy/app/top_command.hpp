// TopCommand: `ballast top`: what a running Ballast does, by its /metrics: again and again on a terminal,
// else as plain text.
#pragma once

#include "proxy/app/options.hpp"

namespace ballast {

// The program's exit code: 1 if Ballast does not answer. Throws OptionsError.
int top(const Options& options);

}  // namespace ballast
