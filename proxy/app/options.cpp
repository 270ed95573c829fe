#include "proxy/app/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include "proxy/app/layers.hpp"
#include "proxy/app/settings_check.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/settings_table.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

struct CommandLine {
  Command command = Command::serve;
  std::string operand;
  std::map<std::string, std::string, std::less<>> command_options;
  std::string config_file;
  Layer settings;
};

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

// --listen_port=1 becomes --listen-port 1. In reverse, because CLI11 takes arguments from the end.
std::vector<std::string> reversed_arguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool is_option = argument.starts_with("--");
    const auto equals = is_option ? argument.find('=') : std::string_view::npos;
    const std::string_view name = argument.substr(0, equals);
    arguments.push_back(is_option ? with_dashes(name) : std::string(name));
    if (equals != std::string_view::npos) arguments.emplace_back(argument.substr(equals + 1));
  }
  std::ranges::reverse(arguments);
  return arguments;
}

std::string command_names() {
  std::string names;
  for (const CommandEntry& entry : command_table()) {
    const bool is_last = &entry == &command_table().back();
    names += (names.empty() ? "" : is_last ? " or " : ", ") + std::string(entry.name);
  }
  return names;
}

// A stray word may be a piece of a URL with its password: only what can't be one is printed.
[[noreturn]] void refuse_argument(std::string_view argument, const CommandEntry* entry) {
  const bool is_option = argument.starts_with("--");
  if (argument.find_first_of(":@/= ") != std::string_view::npos) {
    throw OptionsError("command line: an argument has no option before it; quote values that have blanks");
  }
  const std::string shown = "\"" + printable(argument) + "\"";
  if (!is_option && entry != nullptr) {  // which may be a password
    const std::string command = "`ballast " + std::string(entry->name);
    throw OptionsError("an argument too many; see " + command + " --help`");
  }
  if (!is_option) throw OptionsError(shown + ": unknown command or option; use " + command_names());
  const std::string_view nearest = nearest_name(with_underscores(argument.substr(2)), setting_names());
  throw OptionsError(shown + ": unknown option; " + suggestion("--" + with_dashes(nearest), nearest));
}

// The command line as CLI11 knows it. The options outlive it no longer than `app`.
struct Grammar {
  CLI::App app;
  CLI::Option* config = nullptr;
  std::vector<std::pair<std::string, CLI::Option*>> settings;
  std::vector<std::pair<std::string, CLI::Option*>> command_options;

  Grammar() {
    app.allow_extras();
    app.set_help_flag("-h,--help");
    app.set_version_flag("-V,--version", "");
    config = app.add_option("--config")->take_last();
    for (const Setting& setting : settings_table()) {
      settings.emplace_back(setting.name, app.add_option("--" + with_dashes(setting.name))->take_last());
    }
    app.require_subcommand(0, 1);
    for (const CommandEntry& entry : command_table()) {
      CLI::App* command = app.add_subcommand(std::string(entry.name))->fallthrough()->allow_extras();
      add_options(entry, entry.command == Command::serve ? &app : command);  // which needs not be named
    }
  }

  void add_options(const CommandEntry& entry, CLI::App* command) {
    for (const CommandOption& option : entry.options) {
      const std::string name(option.name);
      command_options.emplace_back(
          name, option.value.empty() ? command->add_flag(name) : command->add_option(name)->take_last());
    }
  }

  // The command that is named; null: none is.
  const CommandEntry* named_command() const {
    const auto parsed = app.get_subcommands();
    return parsed.empty() ? nullptr : find_command(parsed.front()->get_name());
  }
};

void read_operand(const Grammar& grammar, const CommandEntry* entry, CommandLine& line) {
  std::vector<std::string> words = grammar.app.remaining(true);
  const bool takes_one = entry != nullptr && !entry->operand.empty();
  const auto operand = std::ranges::find_if(words, [](const auto& word) { return !word.starts_with("-"); });
  if (takes_one && operand != words.end()) {
    line.operand = *operand;
    words.erase(operand);
  }
  if (!words.empty()) refuse_argument(words.front(), entry);
  if (entry != nullptr && needs_operand(*entry) && line.operand.empty()) {
    throw OptionsError("`ballast " + std::string(entry->name) + "` needs " + std::string(entry->operand) +
                       "; see `ballast " + std::string(entry->name) + " --help`");
  }
}

void read_settings(const Grammar& grammar, const CommandEntry* entry, CommandLine& line) {
  if (grammar.config->count() > 0) line.config_file = grammar.config->results().back();
  for (const auto& [name, option] : grammar.settings) {
    if (option->count() > 0) line.settings[name] = {option->results().back(), "--" + with_dashes(name)};
  }
  if (entry == nullptr || entry->takes_settings == TakesSettings::yes) return;
  if (line.config_file.empty() && line.settings.empty()) return;
  const std::string given = line.settings.empty() ? "--config" : line.settings.begin()->second.source;
  throw OptionsError(given + ": `ballast " + std::string(entry->name) + "` takes no settings; remove it");
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  Grammar grammar;
  CommandLine line;
  try {
    grammar.app.parse(reversed_arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    line.command = Command::show_help;
    if (const CommandEntry* entry = grammar.named_command()) line.operand = entry->name;
    return line;
  } catch (const CLI::CallForVersion&) {
    line.command = Command::show_version;
    return line;
  } catch (const CLI::ArgumentMismatch& failure) {
    const std::string_view reason = failure.what();  // "--name: 1 required TEXT missing"
    throw OptionsError(printable(reason.substr(0, reason.find(':'))) + ": needs a value");
  } catch (const CLI::ParseError&) {
    throw OptionsError("command line: can't be understood; see `ballast --help`");
  }
  const CommandEntry* entry = grammar.named_command();
  if (entry != nullptr) line.command = entry->command;
  read_operand(grammar, entry, line);
  read_settings(grammar, entry, line);
  for (const auto& [name, option] : grammar.command_options) {
    if (option->count() > 0) line.command_options[name] = option->results().back();
  }
  if (line.command_options.contains("--markdown")) line.command = Command::show_markdown;
  return line;
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

void read_overrides(const std::string& path, OverrideScope section, const toml::node& node, Layers& layers) {
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
                           suggested_name(key.str(), override_names(section)));
      }
      layers.overrides.push_back(
          {section, std::string(owner.str()), row, read_node(path, name, row->type, value)});
    }
  }
}

toml::table parse_toml(const std::string& path) {
  try {
    return toml::parse(read_text_file(path, max_options_file_bytes), path);
  } catch (const TextFileError& failure) {
    throw OptionsError("configuration file \"" + printable(path) + "\": " + failure.what());
  } catch (const toml::parse_error& failure) {
    throw OptionsError(printable(path) + ":" + std::to_string(failure.source().begin.line) +
                       ": not TOML: " + printable(failure.description()));
  }
}

void read_config_file(const std::string& path, Layers& layers) {
  if (path.empty()) return;
  for (const auto& [key, node] : parse_toml(path)) {
    const std::string name(key.str());
    if (name == "databases" || name == "users") {
      read_overrides(path, name == "users" ? OverrideScope::user : OverrideScope::database, node, layers);
    } else if (const Setting* setting = find_setting(name)) {
      layers.file[name] = read_node(path, name, setting->type, node);
    } else {
      throw OptionsError(printable(name) + " (from " + at(path, node, "").source + "): unknown setting; " +
                         suggested_name(name, setting_names()));
    }
  }
}

std::string choose_config_file(const CommandLine& line, const Environment& environment) {
  if (!line.config_file.empty()) return line.config_file;
  if (const std::string named = variable(environment, "BALLAST_CONFIG"); !named.empty()) return named;
  for (const char* path : {"ballast.toml", "/etc/ballast/ballast.toml"}) {
    if (::access(path, F_OK) == 0) return path;
  }
  return "";
}

}  // namespace

Options load_options(int argc, const char* const* argv, const Environment& environment) {
  CommandLine line = parse_command_line(argc, argv);
  Options options;
  options.command = line.command;
  options.operand = line.operand;
  options.replaces = line.command_options.contains("--replace");
  options.command_options = std::move(line.command_options);
  const bool describes = line.command == Command::show_help || line.command == Command::show_version ||
                         line.command == Command::show_markdown;
  if (describes || entry_of(line.command).takes_settings == TakesSettings::no) return options;
  if (line.command == Command::check && !line.operand.empty()) {
    line.settings["upstream_url"] = {line.operand, "the command line"};
  }
  options.config_file = choose_config_file(line, environment);
  Layers layers;
  layers.environment = read_environment(environment);
  layers.command_line = line.settings;
  read_config_file(options.config_file, layers);
  apply(layers, environment, options);
  // What clients are offered is no business of the other commands.
  const bool counts = line.command == Command::serve || line.command == Command::show_config;
  const std::string conflict = counts ? first_conflict(options.settings) : "";
  if (!conflict.empty()) throw OptionsError(conflict);
  return options;
}

}  // namespace ballast
