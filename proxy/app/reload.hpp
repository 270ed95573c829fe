// Reload: the same inputs read again (SIGHUP). Either everything is right, or the old settings stay.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/app/options.hpp"

namespace ballast {

struct Reload {
  std::optional<Options> options;           // nothing: keep what runs
  std::string error;                        // then: why, in one line
  std::vector<std::string> restart_needed;  // settings that changed, but keep their old value until a restart
};

Reload reload_options(const Options& running, int argc, const char* const* argv,
                      const Environment& environment);

}  // namespace ballast
