// ConfigCommand: the settings table and the effective settings in words: `ballast config`, its Markdown form
// for the README, and `ballast --help`. No secret is in any of them. Pure.
#pragma once

#include <string>

#include "proxy/app/options.hpp"

namespace ballast {

// As TOML, each line with where its value came from; read as a file it gives the same settings.
std::string config_text(const Options& options);
std::string settings_markdown();
std::string help_text();

}  // namespace ballast
