#include "proxy/app/man_command.hpp"

#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "proxy/app/command_table.hpp"
#include "proxy/base/settings_table.hpp"

using namespace ballast;

TEST_CASE("the manual page names every command and setting") {
  const std::string page = man_text();
  const auto count = [&page](std::string_view line) {
    std::size_t found = 0;
    std::istringstream lines(page);
    for (std::string each; std::getline(lines, each);) found += each.starts_with(line) ? 1 : 0;
    return found;
  };
  std::size_t options = 0;
  for (const CommandEntry& entry : command_table()) options += entry.options.size();
  CHECK(count(".SS ") >= command_table().size());
  CHECK(count("\\fB\\-\\-") >= settings_table().size() + options);
}

TEST_CASE("only what is meant to be is a request of roff") {
  std::istringstream lines(man_text());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.') && !line.starts_with('\'')) continue;
    CAPTURE(line);
    const std::string request = line.substr(0, line.find(' '));
    CHECK((request == ".TH" || request == ".SH" || request == ".SS" || request == ".TP" || request == ".PP" ||
           request == ".br" || request == ".nf" || request == ".fi" || request == ".BR"));
  }
}
