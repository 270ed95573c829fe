// HelpCommand: `ballast --help` and `ballast COMMAND --help`, from the tables of commands and settings. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// Empty: of the program as a whole.
std::string help_text(std::string_view command);

}  // namespace ballast
