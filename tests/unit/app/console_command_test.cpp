#include "proxy/app/console_command.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using Kind = ConsoleCommand::Kind;

ConsoleCommand command(std::string_view text) {
  CAPTURE(text);
  const ReadCommand read = read_command(text);
  CHECK(read.error.message.empty());
  return read.command;
}

std::string error(std::string_view text) { return read_command(text).error.message; }

}  // namespace

TEST_CASE("each SHOW is found by its name, in any case") {
  for (std::size_t i = 0; i < show_names().size(); ++i) {
    const auto show = static_cast<Show>(i);
    const std::string name(show_names()[i]);
    CHECK(name_of(show) == name);
    CHECK(command("SHOW " + name).show == show);
    CHECK(command("show " + name).kind == Kind::show);
  }
  CHECK(command("sHoW  pools ").show == Show::pools);
  CHECK(command("SHOW /* which */ dns_zones").show == Show::dns_zones);
  CHECK(command("SELECT clients").show == Show::clients);
}

TEST_CASE("names are taken as they are written, with or without quotes") {
  CHECK(command("PAUSE").argument.empty());
  CHECK(command("pause MyDb").argument == "MyDb");
  CHECK(command("PAUSE \"My \"\"Db\"").argument == "My \"Db");
  CHECK(command("DISABLE app").argument == "app");
  CHECK(command("KILL").kind == Kind::kill);
  CHECK(command("WAIT_CLOSE app").kind == Kind::wait_close);
}

TEST_CASE("SET takes a word, a string, or what a number has behind it") {
  CHECK(command("SET log_level = debug").value == "debug");
  CHECK(command("set log_level to 'a ''word'").value == "a 'word");
  CHECK(command("SET query_timeout = 2min").value == "2min");
  CHECK(command("SET http_addr=127.0.0.1").value == "127.0.0.1");
  CHECK(command("SET server_reset_query = ''").value.empty());
  CHECK(command("SET query_timeout = 0").argument == "query_timeout");
  CHECK(!error("SET query_timeout").empty());
  CHECK(!error("SET = 3").empty());
  CHECK(!error("SET a 3").empty());
}

TEST_CASE("what drivers set and ask of any server is told apart from what is ours") {
  CHECK(command("SET client_encoding = 'UTF8'").kind == Kind::set_parameter);
  CHECK(command("SET extra_float_digits = 3").kind == Kind::set_parameter);
  CHECK(command("SHOW standard_conforming_strings").kind == Kind::show_parameter);
  CHECK(command("SHOW standard_conforming_strings").value == "on");
  CHECK(command("BEGIN").argument == "BEGIN");
  CHECK(command("start transaction").argument == "START TRANSACTION");
  CHECK(command("END").argument == "COMMIT");
  CHECK(!needs_admin(command("SET client_encoding = 'UTF8'")));
  CHECK(needs_admin(command("SET log_level = debug")));
}

TEST_CASE("what is no command is said to be none") {
  for (const std::string text : {"SHOW", "SHOW nothing", "SHOW pools now", "PAUSE a b", "RELOAD app",
                                 "SUSPEND app", "SHUTDOWN later", "DROP TABLE t", "'PAUSE", "(", "1"}) {
    CAPTURE(text);
    CHECK(error(text) == "invalid command '" + text + "', use SHOW HELP;");
  }
  CHECK(error("DISABLE") == "a database is required");
  CHECK(error("ENABLE") == "a database is required");
}

TEST_CASE("KILL_CLIENT takes a number and nothing else") {
  CHECK(command("KILL_CLIENT 17").client == 17);
  CHECK(command("KILL_CLIENT 18446744073709551615").client == 18446744073709551615ULL);
  for (const std::string wrong :
       {"KILL_CLIENT", "KILL_CLIENT x", "KILL_CLIENT 1x", "KILL_CLIENT 18446744073709551616"}) {
    CAPTURE(wrong);
    CHECK(!error(wrong).empty());
  }
}

TEST_CASE("a user of statistics may look, but neither at descriptors nor change anything") {
  for (std::size_t i = 0; i < show_names().size(); ++i) {
    const auto show = static_cast<Show>(i);
    CHECK(needs_admin(command("SHOW " + std::string(name_of(show)))) == (show == Show::fds));
  }
  for (const std::string change :
       {"DISABLE a", "ENABLE a", "KILL", "KILL_CLIENT 1", "PAUSE", "RECONNECT", "RELOAD", "RESUME",
        "SET workers = 2", "SHUTDOWN", "SHUTDOWN WAIT_FOR_CLIENTS", "SUSPEND", "WAIT_CLOSE"}) {
    CAPTURE(change);
    CHECK(needs_admin(command(change)));
    const std::string tag = tag_of(command(change));
    CHECK((change.starts_with(tag) || tag == "SET workers=2"));
  }
}

TEST_CASE("a text is divided where a semicolon is no part of a string, a name or a comment") {
  const auto statements = split_statements(" SHOW pools ; ;SHOW 'a;b' -- ;\n; PAUSE \"x;y\" /* ; */ ;");
  REQUIRE(statements.size() == 3);
  CHECK(statements[0] == "SHOW pools");
  CHECK(statements[1] == "SHOW 'a;b'");
  CHECK(statements[2] == "PAUSE \"x;y\"");
  CHECK(split_statements("").empty());
  CHECK(split_statements(" ; -- nothing").empty());
  CHECK(split_statements("SHOW 'a; PAUSE").size() == 1);
}

}  // namespace ballast
