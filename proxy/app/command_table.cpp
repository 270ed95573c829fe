#include "proxy/app/command_table.hpp"

#include <algorithm>
#include <array>

namespace ballast {
namespace {

// clang-format off
constexpr std::array serve_options{
    CommandOption{"--replace", "",
                  "take the place of the ballast that serves there, without a refused connection"},
};
constexpr std::array check_options{
    CommandOption{"--json", "", "print one JSON object instead of lines"},
};
constexpr std::array top_options{
    CommandOption{"--count", "N", "print so many tables, and end; without a terminal it is 1"},
    CommandOption{"--interval", "S", "seconds between two looks (1)"},
};
constexpr std::array config_options{
    CommandOption{"--markdown", "", "describe all settings as Markdown tables"},
};

constexpr std::array scram_secret_options{
    CommandOption{"--user", "NAME", "print a whole line for auth_file"},
};
constexpr std::array<std::string_view, 2> shells{"bash", "zsh"};

const std::array commands{
    CommandEntry{Command::serve, "serve", "", TakesSettings::yes,
      "serve the database that NEON_DATABASE_URL or DATABASE_URL names; what `ballast` alone does",
      "Listens for clients and shares few server connections among them, until SIGTERM. SIGHUP reads settings, users and certificates again.",
      serve_options, {}},
    CommandEntry{Command::check, "check", "[URL]", TakesSettings::yes,
      "try the way to the database, step by step, and say what to do about what fails",
      "Connects as an ordinary client: the host's name, each of its addresses, TLS and the certificate, the login, channel binding, "
      "whether the database was asleep and how long its wake took, the time of a round trip, how many connections it takes. "
      "Each step has its time, a verdict (ok, warn, fail) and, where something should be done, what.\n\n"
      "Without URL it tries the database that `ballast serve` would serve; so no list of processes shows its password. It uses two connections, one after the other, changes nothing, "
      "and wakes a database that sleeps. The exit code is 0 if no step has failed, else 1.",
      check_options, {}},
    CommandEntry{Command::top, "top", "", TakesSettings::yes,
      "show what the Ballast of these settings does, again and again",
      "Asks for /metrics at http_addr and http_port, with http_token, every second: clients and servers of each pool by state, transactions, "
      "how long requests and waits take (in milliseconds: half, 95 and 99 of 100 are shorter), the database's state, keepalive, what has failed "
      "or was shed. q ends it. Where its output is no terminal, it prints one plain table, of one second.",
      top_options, {}},
    CommandEntry{Command::show_config, "config", "", TakesSettings::yes,
      "show the settings in force and where each came from",
      "Prints TOML that gives the same settings when read as a file. Secrets are not in it.",
      config_options, {}},
    CommandEntry{Command::health, "health", "", TakesSettings::yes,
      "ask the Ballast of these settings whether it takes clients",
      "Asks for /ready at http_addr and http_port. The exit code is 0 if it takes clients, else 1. For health checks of containers.",
      {}, {}},
    CommandEntry{Command::scram_secret, "scram-secret", "", TakesSettings::no,
      "make of a password what PostgreSQL and auth_file keep of it",
      "Asks for the password, which is not shown, or reads the first line of standard input. Prints SCRAM-SHA-256$4096:..., as in "
      "CREATE ROLE name LOGIN PASSWORD 'SCRAM-SHA-256$...'. The salt is new each time. PostgreSQL normalises some letters first (decomposed accents, "
      "ligatures, full-width ones): write these in their normal form.",
      scram_secret_options, {}},
    CommandEntry{Command::import_settings, "import", "FILE", TakesSettings::no,
      "print PgBouncer's pgbouncer.ini as a file of settings for Ballast",
      "Reads FILE as PgBouncer 1.25 does, %include too, and prints TOML for `ballast --config`. Comments say what has no equal, why, and what "
      "Ballast does instead. auth_file is used as it is. Ballast serves one server: that of the first database. Passwords in connection strings are not copied.",
      {}, {}},
    CommandEntry{Command::completion, "completion", "SHELL", TakesSettings::no,
      "print a script with which bash or zsh completes commands and options",
      "SHELL is bash or zsh. For the running shell: source <(ballast completion bash).",
      {}, shells},
    CommandEntry{Command::man, "man", "", TakesSettings::no,
      "print the manual page",
      "As roff, for `ballast man | man -l -`.",
      {}, {}},
};
// clang-format on

}  // namespace

std::span<const CommandEntry> command_table() { return commands; }

const CommandEntry* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands, name, &CommandEntry::name);
  return found == commands.end() ? nullptr : &*found;
}

const CommandEntry& entry_of(Command command) {
  return *std::ranges::find(commands, command, &CommandEntry::command);
}

}  // namespace ballast
