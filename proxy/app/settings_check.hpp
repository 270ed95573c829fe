// SettingsCheck: what is wrong between settings that are each right alone. Reads the files that they name.
// For start and reload.
#pragma once

#include <string>

#include "proxy/base/settings.hpp"

namespace ballast {

// One line that names the settings and the remedy; empty: all is well.
std::string first_conflict(const Settings& settings);

}  // namespace ballast
