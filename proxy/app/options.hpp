// Options: what the operator wants, from defaults < file < environment < command line.
//   file         toml: `name = value`, sections [databases.NAME] and [users.NAME]
//   environment  BALLAST_<NAME>; an empty variable counts as not set
//   command      --name value (or --name=value; - and _ are the same in names)
// The database's URL is the first of: --upstream-url, --upstream-url-file, BALLAST_UPSTREAM_URL,
// BALLAST_UPSTREAM_URL_FILE, NEON_DATABASE_URL, DATABASE_URL, the file's upstream_url, its upstream_url_file.
// For start and reload, control thread only.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "proxy/app/command_table.hpp"
#include "proxy/app/environment.hpp"
#include "proxy/base/settings.hpp"

namespace ballast {

struct Options {
  Command command = Command::serve;
  std::string operand;  // of the command; of show_help: the command that it is about, empty: of the program
  std::map<std::string, std::string, std::less<>> command_options;  // of the command, as in "--count": "3"
  Settings settings;                                                // as they are, if the command takes none
  // Where each value that isn't a default came from: "ballast.toml:7", "BALLAST_WORKERS", "--workers". By the
  // setting's name, or "databases.NAME.key".
  std::map<std::string, std::string, std::less<>> sources;
  std::string config_file;  // the file that was read; empty: none
  bool replaces = false;    // takes the place of the process that serves (--replace)
};

// One line that names the setting, the value, where it came from and the remedy. The program ends with
// usage_exit_code.
struct OptionsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr int usage_exit_code = 2;

Options load_options(int argc, const char* const* argv, const Environment& environment);

// The same options with one setting changed (SET). Throws OptionsError: as at start, or because it takes a
// restart to change that one.
Options with_setting(Options options, const std::string& name, const std::string& value);

std::string_view source_of(const Options& options, std::string_view name);

}  // namespace ballast
