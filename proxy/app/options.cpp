#include "proxy/app/options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include "proxy/app/settings_check.hpp"
#include "proxy/app/upstream_url.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/settings_table.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr std::size_t max_config_bytes = std::size_t{1} << 20;

struct Assignment {
  std::string value;
  std::string source;
};
using Layer = std::map<std::string, Assignment, std::less<>>;  // by the setting's name

struct OverrideAssignment {
  OverrideScope section;
  std::string owner;  // the database's or user's name
  const Override* row;
  Assignment assignment;
};

struct CommandLine {
  Command command = Command::serve;
  std::string config_file;
  Layer settings;
};

struct ConfigFile {
  Layer settings;
  std::vector<OverrideAssignment> overrides;
};

// ---- Errors

[[noreturn]] void refuse_value(std::string_view name, const SettingType& type, const Assignment& assignment,
                               std::string_view problem) {
  const bool secret = type.kind == SettingKind::secret;
  const std::string value = secret ? "" : " = \"" + printable(assignment.value) + "\"";
  throw OptionsError(std::string(name) + value + " (from " + assignment.source +
                     "): " + std::string(problem));
}

std::string with_suggestion(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_name(name, known);
  return nearest.empty() ? "`ballast --help` lists all settings"
                         : "did you mean " + std::string(nearest) + "?";
}

// ---- Command line

std::string with_dashes(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string with_underscores(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '-', '_');
  return text;
}

// --listen_port=1 becomes --listen-port=1.
std::string normalized(std::string_view argument) {
  if (!argument.starts_with("--")) return std::string(argument);
  const std::string_view name = argument.substr(0, argument.find('='));
  return with_dashes(name) + std::string(argument.substr(name.size()));
}

// A stray word may be a URL with its password: only what comes before the first sign of that is printed.
[[noreturn]] void refuse_argument(std::string_view argument) {
  std::string_view name = argument.substr(0, argument.find_first_of("=:@/ "));
  const std::string shown = "\"" + printable(name) + "\"";
  if (!name.starts_with("-")) throw OptionsError(shown + ": unknown command; use serve or config");
  name.remove_prefix(std::min(name.size(), name.find_first_not_of('-')));
  throw OptionsError(shown + ": unknown option; " + with_suggestion(with_underscores(name), setting_names()));
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  CLI::App app;
  app.allow_extras();
  app.set_help_flag("-h,--help");
  app.set_version_flag("-V,--version", "");
  CLI::Option* config = app.add_option("--config")->take_last();
  std::vector<std::pair<std::string, CLI::Option*>> options;
  for (const Setting& setting : settings_table()) {
    options.emplace_back(setting.name, app.add_option("--" + with_dashes(setting.name))->take_last());
  }
  app.require_subcommand(0, 1);
  app.add_subcommand("serve")->fallthrough()->allow_extras();
  CLI::App* show = app.add_subcommand("config")->fallthrough()->allow_extras();
  const CLI::Option* markdown = show->add_flag("--markdown");

  CommandLine line;
  std::vector<std::string> arguments;  // CLI11 takes them from the end
  for (int i = argc - 1; i > 0; --i) arguments.push_back(normalized(argv[i]));
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    line.command = Command::show_help;
    return line;
  } catch (const CLI::CallForVersion&) {
    line.command = Command::show_version;
    return line;
  } catch (const CLI::ArgumentMismatch& failure) {
    throw OptionsError("command line: " + printable(failure.what()));
  } catch (const CLI::ParseError&) {
    throw OptionsError("command line: can't be understood; see `ballast --help`");
  }
  if (const auto extras = app.remaining(true); !extras.empty()) refuse_argument(extras.front());
  if (show->parsed()) line.command = markdown->count() > 0 ? Command::show_markdown : Command::show_config;
  if (config->count() > 0) line.config_file = config->results().back();
  for (const auto& [name, option] : options) {
    if (option->count() > 0) line.settings[name] = {option->results().back(), "--" + with_dashes(name)};
  }
  return line;
}

// ---- Environment

// Kubernetes sets variables for each service (manual, "Accessing the Service"): a service named ballast, or
// ballast-pool, must not stop the start.
bool is_service_link(std::string_view name, std::string_view value) {
  return name.find("_SERVICE_HOST") != std::string_view::npos ||
         name.find("_SERVICE_PORT") != std::string_view::npos || value.starts_with("tcp://") ||
         value.starts_with("udp://") || value.starts_with("sctp://") ||
         name.find("_TCP_") != std::string_view::npos || name.find("_UDP_") != std::string_view::npos ||
         name.ends_with("_TCP") || name.ends_with("_UDP");
}

Layer read_environment(const Environment& environment) {
  constexpr std::string_view prefix = "BALLAST_";
  Layer layer;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(prefix) || name == "BALLAST_CONFIG" || value.empty()) continue;
    std::string setting = name.substr(prefix.size());
    std::ranges::transform(setting, setting.begin(), [](unsigned char c) { return std::tolower(c); });
    if (find_setting(setting) != nullptr) {
      layer[setting] = {value, name};
    } else if (!is_service_link(name, value)) {
      throw OptionsError(printable(name) + " (from the environment): unknown setting; " +
                         with_suggestion(setting, setting_names()));
    }
  }
  return layer;
}

// ---- File

Assignment at(const std::string& path, const toml::node& node, std::string value) {
  return {std::move(value), printable(path) + ":" + std::to_string(node.source().begin.line)};
}

// One text form for all sources. Nothing: the value's type can't be meant.
std::optional<std::string> toml_text(const toml::node& node, SettingKind kind) {
  if (const auto* text = node.as_string()) return text->get();
  if (holds_text(kind)) return std::nullopt;
  if (const auto* number = node.as_integer()) {
    if (kind != SettingKind::octal) return std::to_string(number->get());
    if (number->flags() != toml::value_flags::format_as_octal)
      return std::nullopt;  // 777 would be read as 01411
    return setting_text({SettingKind::octal, 0, 0, {}}, {number->get(), ""});
  }
  if (const auto* number = node.as_floating_point()) {
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number->get()).ptr;
    return std::string(digits.data(), end);
  }
  return std::nullopt;
}

Assignment read_node(const std::string& path, std::string_view name, const SettingType& type,
                     const toml::node& node) {
  if (auto value = toml_text(node, type.kind)) return at(path, node, std::move(*value));
  const Assignment assignment = at(path, node, "");
  const bool quotes =
      holds_text(type.kind) || type.kind == SettingKind::octal || type.kind == SettingKind::word;
  const std::string remedy =
      quotes ? "write " + std::string(name) + " = \"...\", with quotes" : "use " + setting_range(type);
  throw OptionsError(std::string(name) + " (from " + assignment.source + "): the value has the wrong type; " +
                     remedy);
}

void read_overrides(const std::string& path, OverrideScope section, const toml::node& node,
                    ConfigFile& file) {
  const std::string title = section == OverrideScope::database ? "databases" : "users";
  const auto must_be_table = [&](const toml::node& candidate) -> const toml::table& {
    if (const toml::table* table = candidate.as_table()) return *table;
    throw OptionsError(title + " (from " + at(path, candidate, "").source + "): not a section; write [" +
                       title + ".NAME]");
  };
  for (const auto& [owner, entry] : must_be_table(node)) {
    for (const auto& [key, value] : must_be_table(entry)) {
      const std::string name = title + "." + printable(owner.str()) + "." + printable(key.str());
      const Override* row = find_override(section, key.str());
      if (row == nullptr) {
        throw OptionsError(name + " (from " + at(path, value, "").source + "): unknown setting; " +
                           with_suggestion(key.str(), override_names(section)));
      }
      file.overrides.push_back(
          {section, std::string(owner.str()), row, read_node(path, name, row->type, value)});
    }
  }
}

toml::table parse_toml(const std::string& path) {
  try {
    return toml::parse(read_text_file(path, max_config_bytes), path);
  } catch (const TextFileError& failure) {
    throw OptionsError("configuration file \"" + printable(path) + "\": " + failure.what());
  } catch (const toml::parse_error& failure) {
    throw OptionsError(printable(path) + ":" + std::to_string(failure.source().begin.line) +
                       ": not TOML: " + printable(failure.description()));
  }
}

ConfigFile read_config_file(const std::string& path) {
  ConfigFile file;
  if (path.empty()) return file;
  for (const auto& [key, node] : parse_toml(path)) {
    const std::string name(key.str());
    if (name == "databases" || name == "users") {
      read_overrides(path, name == "users" ? OverrideScope::user : OverrideScope::database, node, file);
    } else if (const Setting* setting = find_setting(name)) {
      file.settings[name] = read_node(path, name, setting->type, node);
    } else {
      throw OptionsError(printable(name) + " (from " + at(path, node, "").source + "): unknown setting; " +
                         with_suggestion(name, setting_names()));
    }
  }
  return file;
}

std::string choose_config_file(const CommandLine& line, const Environment& environment) {
  if (!line.config_file.empty()) return line.config_file;
  if (const std::string named = variable(environment, "BALLAST_CONFIG"); !named.empty()) return named;
  for (const char* path : {"ballast.toml", "/etc/ballast/ballast.toml"}) {
    if (::access(path, F_OK) == 0) return path;
  }
  return "";
}

// ---- Together

void apply(const Layer& layer, Options& options) {
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

void apply(const std::vector<OverrideAssignment>& overrides, Options& options) {
  for (const auto& [section, owner, row, assignment] : overrides) {
    const bool user = section == OverrideScope::user;
    const std::string name = (user ? "users." : "databases.") + owner + "." + std::string(row->name);
    try {
      auto& owners = user ? options.settings.users : options.settings.databases;
      assign(*row, owners[owner], parse_setting(row->type, assignment.value));
    } catch (const std::invalid_argument& problem) {
      refuse_value(printable(name), row->type, assignment, problem.what());
    }
    options.sources[name] = assignment.source;
  }
}

struct UpstreamChoice {
  std::string_view setting;  // upstream_url or upstream_url_file
  Assignment assignment;
};

std::optional<UpstreamChoice> choose_upstream(const Layer& file, const Layer& variables, const Layer& line,
                                              const Environment& environment) {
  constexpr std::array<std::string_view, 2> names{"upstream_url", "upstream_url_file"};
  const auto in_layer = [&](const Layer& layer) -> std::optional<UpstreamChoice> {
    for (const std::string_view name : names) {
      if (const auto found = layer.find(name); found != layer.end())
        return UpstreamChoice{name, found->second};
    }
    return std::nullopt;
  };
  if (auto choice = in_layer(line)) return choice;
  if (auto choice = in_layer(variables)) return choice;
  for (const char* name : {"NEON_DATABASE_URL", "DATABASE_URL"}) {
    const std::string value = variable(environment, name);
    if (!value.empty()) return UpstreamChoice{names[0], {value, name}};
  }
  return in_layer(file);
}

// Exactly one of the two settings keeps a value: the one that counts.
void apply_upstream(const UpstreamChoice& choice, const Environment& environment, Options& options) {
  const auto& [name, assignment] = choice;
  for (const char* each : {"upstream_url", "upstream_url_file"}) options.sources.erase(each);
  options.sources[std::string(name)] = assignment.source;
  const bool in_file = name == "upstream_url_file";
  options.settings.upstream_url = in_file ? "" : assignment.value;
  options.settings.upstream_url_file = in_file ? assignment.value : "";
  try {
    const std::string text = in_file ? read_text_file(assignment.value, max_config_bytes) : assignment.value;
    options.settings.upstream = parse_upstream_url(text, environment);
  } catch (const std::runtime_error& problem) {
    refuse_value(name, find_setting(name)->type, assignment, problem.what());
  }
}

}  // namespace

Options load_options(int argc, const char* const* argv, const Environment& environment) {
  const CommandLine line = parse_command_line(argc, argv);
  Options options;
  options.command = line.command;
  if (line.command == Command::show_help || line.command == Command::show_version) return options;
  options.config_file = choose_config_file(line, environment);
  const ConfigFile file = read_config_file(options.config_file);
  const Layer variables = read_environment(environment);
  apply(file.settings, options);
  apply(variables, options);
  apply(line.settings, options);
  apply(file.overrides, options);
  const auto upstream = choose_upstream(file.settings, variables, line.settings, environment);
  if (upstream) {
    apply_upstream(*upstream, environment, options);
  } else if (options.command == Command::serve) {
    throw OptionsError(
        "no database to serve: set NEON_DATABASE_URL=postgresql://user:password@host/database");
  }
  const std::string conflict = first_conflict(options.settings);
  if (!conflict.empty()) throw OptionsError(conflict);
  return options;
}

std::string_view source_of(const Options& options, std::string_view name) {
  const auto found = options.sources.find(name);
  return found == options.sources.end() ? "default" : std::string_view(found->second);
}

}  // namespace ballast
