// ManCommand: `ballast man`: the manual page ballast(1), for `man -l -`, made from the tables of commands and
// settings. Pure.
#pragma once

#include <string>

namespace ballast {

std::string man_text();

}  // namespace ballast
