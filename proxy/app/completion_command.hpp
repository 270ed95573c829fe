// CompletionCommand: `ballast completion bash|zsh`: a script with which the shell completes commands, options
// and the words that settings take. It is made from the tables of commands and settings. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// Of "bash" or "zsh". Throws OptionsError for another shell.
std::string completion_text(std::string_view shell);

}  // namespace ballast
