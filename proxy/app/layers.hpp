// Layers: what each source of settings says, as text, and how the layers lie on each other. options reads the
// file and the command line into layers; here they become Settings. For start and reload.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/app/options.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {

constexpr std::size_t max_options_file_bytes = std::size_t{1} << 20;

struct Assignment {
  std::string value;
  std::string source;
};
using Layer = std::map<std::string, Assignment, std::less<>>;  // by the setting's name

struct OverrideAssignment {
  OverrideScope section;  // database or user
  std::string owner;      // its name
  const Override* row;
  Assignment assignment;
};

struct Layers {
  Layer file;
  std::vector<OverrideAssignment> overrides;  // from the file
  Layer environment;
  Layer command_line;
};

// The functions below throw OptionsError.
Layer read_environment(const Environment& environment);

// Every value of every layer is checked, also those that a later layer replaces.
void apply(const Layers& layers, const Environment& environment, Options& options);

// "did you mean --listen-port?", or where to look if nothing is near.
std::string suggestion(std::string_view shown, std::string_view nearest);
std::string suggested_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace ballast
