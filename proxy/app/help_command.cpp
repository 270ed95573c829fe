#include "proxy/app/help_command.hpp"

#include <algorithm>
#include <cstddef>

#include "proxy/app/command_table.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

constexpr std::size_t meaning_column = 30;
constexpr std::size_t line_length = 100;

std::string dashed_name(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', '-');
  return "--" + text;
}

std::string row(std::string line, std::string_view meaning) {
  line.append(line.size() + 1 < meaning_column ? meaning_column - line.size() : 2, ' ');
  return line + std::string(meaning) + "\n";
}

std::string option_row(const CommandOption& option) {
  const std::string value = option.value.empty() ? "" : " " + std::string(option.value);
  return row("  " + std::string(option.name) + value, option.meaning);
}

// Lines that are broken at blanks; an empty line stays one.
std::string wrapped(std::string_view text) {
  std::string lines;
  std::size_t length = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (length > 0 && length + end > line_length) {
      lines.back() = '\n';
      length = 0;
    }
    lines += text.substr(0, end);
    length += end + 1;
    if (end < text.size() && text[end] == '\n') length = 0;
    lines += end < text.size() ? text[end] : '\n';
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

std::string settings_text() {
  std::string text;
  std::string_view section;
  for (const Setting& setting : settings_table()) {
    if (setting.section != section) text += "\n" + std::string(setting.section) + "\n";
    section = setting.section;
    const std::string initial = setting_text(setting.type, value_of(setting, Settings()));
    text += "  " + dashed_name(setting.name) + (initial.empty() ? "" : " (" + initial + ")") + "\n      " +
            std::string(setting.meaning) + "\n";
    if (setting.type.kind == SettingKind::word) text += "      " + setting_range(setting.type) + "\n";
  }
  return text;
}

std::string command_help(const CommandEntry& entry) {
  const std::string operand = entry.operand.empty() ? "" : " " + std::string(entry.operand);
  const bool takes_options = !entry.options.empty() || entry.takes_settings == TakesSettings::yes;
  std::string text = "ballast " + std::string(entry.name) + operand + (takes_options ? " [options]" : "") +
                     "\n\n" + wrapped(entry.description) + "\n";
  for (const CommandOption& option : entry.options) text += option_row(option);
  if (entry.takes_settings == TakesSettings::yes) {
    text += row("  --config FILE",
                "read FILE; else $BALLAST_CONFIG, ./ballast.toml or /etc/ballast/ballast.toml");
    text += row("  --SETTING VALUE", "any setting; `ballast --help` lists them");
  }
  return text + row("  -h, --help", "show this");
}

}  // namespace

std::string help_text(std::string_view command) {
  if (const CommandEntry* entry = find_command(command)) return command_help(*entry);
  std::string text = "ballast: a PostgreSQL connection pooler for Neon\n\n";
  for (const CommandEntry& entry : command_table()) {
    const std::string operand = entry.operand.empty() ? "" : " " + std::string(entry.operand);
    text += row("  ballast " + std::string(entry.name) + operand, entry.meaning);
  }
  text += "\n";
  for (const CommandOption& option : entry_of(Command::serve).options) text += option_row(option);
  text +=
      row("  --config FILE", "read FILE; else $BALLAST_CONFIG, ./ballast.toml or /etc/ballast/ballast.toml") +
      row("  -h, --help", "show this; behind a command, what that does") +
      row("  -V, --version", "show the version") +
      "\n"
      "Each setting is name = value in the file, BALLAST_NAME in the environment, --name value here; the "
      "later\n"
      "of these wins. Durations are seconds (30, 0.5) or carry a unit (500ms, 2min, 1h); sizes may too "
      "(16MB).\n";
  return text + settings_text();
}

}  // namespace ballast
