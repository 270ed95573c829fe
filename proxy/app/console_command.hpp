// ConsoleCommand: what is said on the console, read. The grammar is PgBouncer's (its doc/usage.md, "Admin
// console"): a command and at most one argument, SET name = value, key words in any case, names as they are
// written. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/pg_error.hpp"

namespace ballast {

// What there is to SHOW. The last five are our own.
enum class Show : std::uint8_t {
  active_sockets,
  clients,
  config,
  databases,
  dns_hosts,
  dns_zones,
  fds,
  help,
  lists,
  mem,
  peer_pools,
  peers,
  pools,
  servers,
  sockets,
  state,
  stats,
  stats_averages,
  stats_totals,
  totals,
  users,
  version,
  latency,
  pins,
  prepared,
  settings,
  upstream,
};

std::string_view name_of(Show show);
std::span<const std::string_view> show_names();

struct ConsoleCommand {
  enum class Kind : std::uint8_t {
    show,
    // What drivers ask of any server. It is answered, and changes nothing.
    show_parameter,  // `argument`: its name; `value`
    set_parameter,
    transaction,  // `argument`: the tag
    // Changes something: for admin_users.
    disable,
    enable,
    kill,
    kill_client,
    pause,
    reconnect,
    reload,
    resume,
    set,
    shutdown,
    suspend,
    wait_close,
  };

  Kind kind = Kind::show;
  Show show = Show::help;
  std::string argument;  // a database, what to set, or how to shut down; empty: none was given
  std::string value;     // to be set
  std::uint64_t client = 0;
};

struct ReadCommand {
  ConsoleCommand command;
  PgError error;  // no message: it is a command
};

// The statements of one text, without those that are empty.
std::vector<std::string_view> split_statements(std::string_view text);
// One of them.
ReadCommand read_command(std::string_view statement);

// May it be given only by admin_users?
bool needs_admin(const ConsoleCommand& command);
// Of a show_parameter, as long as the program.
std::string_view parameter_name(const ConsoleCommand& command);
// As in CommandComplete: "SHOW", "PAUSE", and as PgBouncer has it "SET name=value".
std::string tag_of(const ConsoleCommand& command);

}  // namespace ballast
