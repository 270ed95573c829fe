// ImportCommand: `ballast import pgbouncer.ini`: PgBouncer's configuration as TOML that Ballast takes, with
// comments for what has no equal, and why.
#pragma once

#include <string>
#include <vector>

#include "proxy/app/options.hpp"
#include "proxy/app/pgbouncer_file.hpp"

namespace ballast {

// Throws OptionsError if the file can't be read as PgBouncer would.
int import_settings(const Options& options);

// Pure. `origin` is the file's name. Passwords are not in it.
std::string imported_text(const std::vector<IniEntry>& entries, std::string_view origin);

}  // namespace ballast
