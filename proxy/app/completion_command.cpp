#include "proxy/app/completion_command.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "proxy/app/command_table.hpp"
#include "proxy/app/options.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

std::string dashed_name(std::string_view name) {
  std::string text = "--" + std::string(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

template <typename Words>
std::string joined_words(const Words& words) {
  return joined({words.begin(), words.end()}, " ");
}

// A word of both shells, whatever it holds.
std::string quoted_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

bool names_file(const Setting& setting) {
  return setting.type.kind == SettingKind::file || setting.name.ends_with("_file") ||
         setting.name.ends_with("_dir");
}

// ---- bash (its manual, 8.6 "Programmable Completion")

std::vector<std::string> own_options(const CommandEntry& entry) {
  std::vector<std::string> options;
  for (const CommandOption& option : entry.options) options.emplace_back(option.name);
  return options;
}

// Cases on the word before: what an option takes.
std::string bash_values() {
  std::vector<std::string> files{"--config"};
  std::vector<std::string> others;
  std::string text;
  for (const Setting& setting : settings_table()) {
    const std::string name = dashed_name(setting.name);
    if (setting.type.kind == SettingKind::word) {
      text += "    " + name + ") _ballast_words " + quoted_word(joined_words(setting.type.words)) +
              "; return ;;\n";
    } else {
      (names_file(setting) ? files : others).push_back(name);
    }
  }
  for (const CommandEntry& entry : command_table()) {
    for (const CommandOption& option : entry.options) {
      if (!option.value.empty()) others.emplace_back(option.name);
    }
  }
  return text + "    " + joined(files, " | ") + ") _ballast_files; return ;;\n    " + joined(others, " | ") +
         ") return ;;\n";
}

// Cases on the command: its options, and its operand.
std::string bash_commands() {
  std::string text;
  for (const CommandEntry& entry : command_table()) {
    const std::string settings = entry.takes_settings == TakesSettings::yes ? " --config $settings" : "";
    text += "    " + std::string(entry.name) + ")\n";
    if (entry.operand == "FILE") text += "      [[ $current == -* ]] || { _ballast_files; return; }\n";
    text += "      _ballast_words \"" + joined_words(entry.operand_words) + " " +
            joined(own_options(entry), " ") + settings + " --help\" ;;\n";
  }
  return text;
}

std::string bash_text() {
  std::vector<std::string> commands;
  std::vector<std::string> settings;
  for (const CommandEntry& entry : command_table()) commands.emplace_back(entry.name);
  for (const Setting& setting : settings_table()) settings.push_back(dashed_name(setting.name));
  return "# bash completion of ballast, made by `ballast completion bash`\n"
         "_ballast_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
         "_ballast_files() {\n"
         "  compopt -o filenames 2>/dev/null\n"
         "  mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
         "}\n"
         "_ballast() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i\n"
         "  local settings='" +
         joined(settings, " ") +
         "'\n"
         "  COMPREPLY=()\n"
         "  # --name=value is three words to bash\n"
         "  if [[ $current == = ]]; then\n"
         "    current=\n"
         "  elif [[ $before == = ]]; then\n"
         "    before=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "  fi\n"
         "  case $before in\n" +
         bash_values() +
         "  esac\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "    " +
         joined(commands, " | ") +
         ") command=${COMP_WORDS[i]} && break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n" +
         bash_commands() + "    *) _ballast_words \"" + joined(commands, " ") +
         " --config $settings --help --version\" ;;\n"
         "  esac\n"
         "}\n"
         "complete -F _ballast ballast\n";
}

// ---- zsh (zshcompsys(1), "_arguments")

// Inside [brackets] of a specification.
std::string zsh_meaning(std::string_view meaning) {
  std::string text;
  for (const char c : meaning)
    text += c == '[' || c == ']' || c == ':' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return text;
}

std::string zsh_option(std::string_view name, std::string_view value, std::string_view meaning,
                       std::string_view action) {
  const std::string takes = value.empty() ? "" : ":" + std::string(value) + ":" + std::string(action);
  return quoted_word(std::string(name) + (value.empty() ? "" : "=") + "[" + zsh_meaning(meaning) + "]" +
                     takes);
}

std::string zsh_settings() {
  std::string text = "    " + zsh_option("--config", "file", "read FILE", "_files") + "\n";
  for (const Setting& setting : settings_table()) {
    std::string action;
    if (setting.type.kind == SettingKind::word) action = "(" + joined_words(setting.type.words) + ")";
    if (names_file(setting)) action = "_files";
    text += "    " + zsh_option(dashed_name(setting.name), "value", setting.meaning, action) + "\n";
  }
  return text;
}

std::string zsh_operand(const CommandEntry& entry) {
  if (entry.operand.empty()) return "";
  const std::string words = joined_words(entry.operand_words);
  std::string action = "->operand";  // nothing to offer, and no message that hides the options
  if (!words.empty()) action = "(" + words + ")";
  if (entry.operand == "FILE") action = "_files";
  std::string name(entry.operand);
  std::erase_if(name, [](char c) { return c == '[' || c == ']'; });
  return " " + quoted_word("1:" + name + ":" + action);
}

std::string zsh_text() {
  std::string commands;
  std::string cases;
  for (const CommandEntry& entry : command_table()) {
    const std::string name(entry.name);
    commands += "    " + quoted_word(name + ":" + zsh_meaning(entry.meaning)) + "\n";
    cases += "    " + name + ") _arguments $help";
    if (entry.takes_settings == TakesSettings::yes) cases += " $settings";
    for (const CommandOption& option : entry.options) {
      cases += " " + zsh_option(option.name, option.value, option.meaning, "");
    }
    cases += zsh_operand(entry) + " ;;\n";
  }
  return "#compdef ballast\n"
         "# zsh completion of ballast, made by `ballast completion zsh`\n"
         "_ballast() {\n"
         "  local -a commands settings help line\n"
         "  local state\n"
         "  help=('(-h --help)'{-h,--help}'[show help]')\n"
         "  commands=(\n" +
         commands +
         "  )\n"
         "  settings=(\n" +
         zsh_settings() +
         "  )\n"
         "  _arguments -C $help '(-V --version)'{-V,--version}'[show the version]' $settings \\\n"
         "    '1:command:->command' '*::argument:->argument'\n"
         "  [[ $state == command ]] && _describe command commands\n"
         "  [[ $state == argument ]] && case $line[1] in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _ballast ]]; then\n"
         "  _ballast \"$@\"\n"
         "else\n"
         "  compdef _ballast ballast\n"
         "fi\n";
}

}  // namespace

std::string completion_text(std::string_view shell) {
  if (shell == "bash") return bash_text();
  if (shell == "zsh") return zsh_text();
  throw OptionsError("\"" + printable(shell) + "\": unknown shell; use bash or zsh");
}

}  // namespace ballast
