#include "proxy/app/completion_command.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "proxy/app/command_table.hpp"
#include "proxy/base/settings_table.hpp"

#include "tests/unit/app/command_line.hpp"

using namespace ballast;

TEST_CASE("both scripts know every command, option and setting") {
  for (const std::string_view shell : {"bash", "zsh"}) {
    const std::string text = completion_text(shell);
    for (const CommandEntry& entry : command_table()) {
      CAPTURE(entry.name);
      CHECK(text.find("\n    " + std::string(entry.name) + ")") != std::string::npos);
      for (const CommandOption& option : entry.options) CHECK(text.find(option.name) != std::string::npos);
    }
    for (const Setting& setting : settings_table()) {
      std::string name = "--" + std::string(setting.name);
      std::ranges::replace(name, '_', '-');
      CAPTURE(name);
      CHECK(text.find(name) != std::string::npos);
      for (const std::string_view word : setting.type.words) CHECK(text.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("another shell is refused, and one must be named") {
  CHECK_THROWS_AS(completion_text("fish"), OptionsError);
  CHECK(load({"completion", "zsh"}).operand == "zsh");
  CHECK(load_error({"completion"}) == "`ballast completion` needs SHELL; see `ballast completion --help`");
}
