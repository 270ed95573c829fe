#include "proxy/app/help_command.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proxy/app/command_table.hpp"
#include "proxy/base/settings_table.hpp"

#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the help names every command and every setting") {
  const std::string help = help_text("");
  for (const CommandEntry& entry : command_table()) {
    CHECK(contains(help, "\n  ballast " + std::string(entry.name)));
    CHECK(contains(help, entry.meaning));
  }
  for (const Setting& setting : settings_table()) CHECK(contains(help, setting.meaning));
  CHECK(contains(help, "--query-wait-timeout (2min)"));
}

TEST_CASE("each command has a help of its own, with all its options") {
  for (const CommandEntry& entry : command_table()) {
    CAPTURE(entry.name);
    const Options options = load({std::string(entry.name), "--help"});
    CHECK(options.command == Command::show_help);
    CHECK(options.operand == entry.name);
    const std::string help = help_text(options.operand);
    CHECK(help.starts_with("ballast " + std::string(entry.name)));
    for (const CommandOption& option : entry.options) CHECK(contains(help, option.meaning));
    for (std::size_t begin = 0, end; (end = help.find('\n', begin)) != help.npos; begin = end + 1) {
      CHECK(end - begin <= 120);
    }
  }
}
