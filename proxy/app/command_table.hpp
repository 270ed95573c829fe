// The command table: each command of the program once, with what it takes. From it come what the command line
// accepts, `--help`, the completion of shells and the man page. Immutable; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace ballast {

enum class Command {
  serve,
  check,
  top,
  health,
  show_config,
  show_markdown,  // config --markdown
  scram_secret,
  import_settings,
  completion,
  man,
  show_help,
  show_version
};

struct CommandOption {
  std::string_view name;   // "--json"
  std::string_view value;  // what stands behind it ("N"); empty: nothing
  std::string_view meaning;
};

// Whether the settings' options (--workers ...) belong to a command.
enum class TakesSettings { no, yes };

struct CommandEntry {
  Command command;
  std::string_view name;
  std::string_view operand;  // "[URL]", "FILE"; empty: it takes none
  TakesSettings takes_settings;
  std::string_view meaning;                         // one line
  std::string_view description;                     // paragraphs, apart by an empty line
  std::span<const CommandOption> options;           // its own
  std::span<const std::string_view> operand_words;  // what the operand may be; empty: anything
};

std::span<const CommandEntry> command_table();

// Null: there is no such command.
const CommandEntry* find_command(std::string_view name);
const CommandEntry& entry_of(Command command);

// An operand that is not in brackets must be there.
inline bool needs_operand(const CommandEntry& entry) {
  return !entry.operand.empty() && !entry.operand.starts_with('[');
}

}  // namespace ballast
