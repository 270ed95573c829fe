// ConfigCommand: the settings table and the effective settings in words: `ballast config`, and its Markdown
// form for the README. No secret is in either of them. Pure.
#pragma once

#include <string>

#include "proxy/app/options.hpp"

namespace ballast {

// As TOML, each line with where its value came from; read as a file it gives the same settings.
std::string config_text(const Options& options);
std::string settings_markdown();

}  // namespace ballast
