#include "proxy/app/layers.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "proxy/app/settings_check.hpp"
#include "proxy/app/upstream_url.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr std::string_view variable_prefix = "BALLAST_";

[[noreturn]] void refuse_value(std::string_view name, const SettingType& type, const Assignment& assignment,
                               std::string_view problem) {
  const bool secret = type.kind == SettingKind::secret;
  const std::string value = secret ? "" : " = \"" + printable(assignment.value) + "\"";
  throw OptionsError(printable(name) + value + " (from " + assignment.source + "): " + std::string(problem));
}

// Kubernetes sets variables for each service (its manual, "Accessing the Service"): a service named ballast,
// or ballast-pool, must not stop the start.
bool is_service_link(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 4> parts{"_SERVICE_HOST", "_SERVICE_PORT", "_TCP_", "_UDP_"};
  constexpr std::array<std::string_view, 3> schemes{"tcp://", "udp://", "sctp://"};
  return std::ranges::any_of(parts, [&](auto part) { return name.find(part) != std::string_view::npos; }) ||
         std::ranges::any_of(schemes, [&](auto scheme) { return value.starts_with(scheme); });
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string upper_case(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

void apply_layer(const Layer& layer, Options& options) {
  for (const auto& [name, assignment] : layer) {
    const Setting& setting = *find_setting(name);
    try {
      assign(setting, options.settings, parse_setting(setting.type, assignment.value));
    } catch (const std::invalid_argument& problem) {
      refuse_value(name, setting.type, assignment, problem.what());
    }
    options.sources[name] = assignment.source;
  }
}

void apply_overrides(const std::vector<OverrideAssignment>& overrides, Options& options) {
  for (const auto& [section, owner, row, assignment] : overrides) {
    const bool user = section == OverrideScope::user;
    const std::string name = (user ? "users." : "databases.") + owner + "." + std::string(row->name);
    auto& owners = user ? options.settings.users : options.settings.databases;
    try {
      assign(*row, owners[owner], parse_setting(row->type, assignment.value));
    } catch (const std::invalid_argument& problem) {
      refuse_value(name, row->type, assignment, problem.what());
    }
    options.sources[name] = assignment.source;
  }
}

struct UpstreamChoice {
  std::string_view setting;  // upstream_url or upstream_url_file
  Assignment assignment;
};

constexpr std::array<std::string_view, 2> upstream_settings{"upstream_url", "upstream_url_file"};

std::optional<UpstreamChoice> upstream_in(const Layer& layer) {
  for (const std::string_view name : upstream_settings) {
    if (const auto found = layer.find(name); found != layer.end()) return UpstreamChoice{name, found->second};
  }
  return std::nullopt;
}

std::optional<UpstreamChoice> choose_upstream(const Layers& layers, const Environment& environment) {
  if (auto choice = upstream_in(layers.command_line)) return choice;
  if (auto choice = upstream_in(layers.environment)) return choice;
  for (const char* name : {"NEON_DATABASE_URL", "DATABASE_URL"}) {
    const std::string value = variable(environment, name);
    if (!value.empty()) return UpstreamChoice{upstream_settings[0], {value, name}};
  }
  return upstream_in(layers.file);
}

// Only the one of the two settings that counts keeps its value.
void apply_upstream(const UpstreamChoice& choice, const Environment& environment, Options& options) {
  const auto& [name, assignment] = choice;
  for (const std::string_view each : upstream_settings) options.sources.erase(std::string(each));
  options.sources[std::string(name)] = assignment.source;
  const bool in_file = name == "upstream_url_file";
  options.settings.upstream_url = in_file ? "" : assignment.value;
  options.settings.upstream_url_file = in_file ? assignment.value : "";
  try {
    const std::string text =
        in_file ? read_text_file(assignment.value, max_options_file_bytes) : assignment.value;
    options.settings.upstream = parse_upstream_url(text, environment);
  } catch (const std::runtime_error& problem) {
    refuse_value(name, find_setting(name)->type, assignment, problem.what());
  }
}

void choose_token(Options& options) {
  Settings& settings = options.settings;
  settings.http_bearer = settings.http_token;
  if (settings.http_token_file.empty()) return;
  if (!settings.http_token.empty())
    throw OptionsError("http_token and http_token_file are both set: set one of them");
  try {
    std::string text = read_text_file(settings.http_token_file, max_options_file_bytes);
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    if (text.empty()) throw TextFileError("is empty; write the token into it");
    settings.http_bearer = std::move(text);
  } catch (const TextFileError& problem) {
    throw OptionsError("http_token_file = \"" + printable(settings.http_token_file) +
                       "\": " + problem.what());
  }
}

}  // namespace

std::string suggestion(std::string_view shown, std::string_view nearest) {
  return nearest.empty() ? "`ballast --help` lists all settings" : "did you mean " + std::string(shown) + "?";
}

std::string suggested_name(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_name(name, known);
  return suggestion(nearest, nearest);
}

Layer read_environment(const Environment& environment) {
  Layer layer;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(variable_prefix) || name == "BALLAST_CONFIG" || value.empty()) continue;
    const std::string setting = lower_case(name.substr(variable_prefix.size()));
    if (find_setting(setting) != nullptr) {
      layer[setting] = {value, name};
    } else if (!is_service_link(name, value)) {
      const std::string nearest(nearest_name(setting, setting_names()));
      throw OptionsError(printable(name) + " (from the environment): unknown setting; " +
                         suggestion(std::string(variable_prefix) + upper_case(nearest), nearest));
    }
  }
  return layer;
}

void apply(const Layers& layers, const Environment& environment, Options& options) {
  apply_layer(layers.file, options);
  apply_layer(layers.environment, options);
  apply_layer(layers.command_line, options);
  apply_overrides(layers.overrides, options);
  choose_token(options);
  if (const auto upstream = choose_upstream(layers, environment)) {
    apply_upstream(*upstream, environment, options);
  } else if (options.command == Command::serve) {
    throw OptionsError(
        "no database to serve: set NEON_DATABASE_URL=postgresql://user:password@host/database");
  }
}

Options with_setting(Options options, const std::string& name, const std::string& value) {
  const Setting* const setting = find_setting(name);
  if (setting == nullptr) {
    throw OptionsError(printable(name) + ": unknown setting; " + suggested_name(name, setting_names()));
  }
  if (setting->takes == Takes::restart) {
    throw OptionsError(name + " can't be changed while Ballast runs: set it where it comes from (" +
                       std::string(source_of(options, name)) + "), and restart");
  }
  // A URL must be read with its environment, and the sources of its parts be known: a reload does that.
  if (std::ranges::find(upstream_settings, name) != upstream_settings.end()) {
    throw OptionsError(name + " can't be SET: change it where it comes from (" +
                       std::string(source_of(options, name)) + "), and reload");
  }
  apply_layer({{name, {value, "SET"}}}, options);
  choose_token(options);
  const std::string conflict = first_conflict(options.settings);
  if (!conflict.empty()) throw OptionsError(conflict);
  return options;
}

std::string_view source_of(const Options& options, std::string_view name) {
  const auto found = options.sources.find(name);
  return found == options.sources.end() ? "default" : std::string_view(found->second);
}

}  // namespace ballast
