// The program: what the command line asks for, and nothing else.
#include <iostream>

#include <unistd.h>

#include "proxy/app/check_command.hpp"
#include "proxy/app/completion_command.hpp"
#include "proxy/app/config_command.hpp"
#include "proxy/app/health_command.hpp"
#include "proxy/app/help_command.hpp"
#include "proxy/app/import_command.hpp"
#include "proxy/app/man_command.hpp"
#include "proxy/app/options.hpp"
#include "proxy/app/scram_secret_command.hpp"
#include "proxy/app/service.hpp"
#include "proxy/app/top_command.hpp"

int main(int argc, char** argv) {
  using namespace ballast;
  const Environment environment = environment_of(environ);
  try {
    Options options = load_options(argc, argv, environment);
    switch (options.command) {
      case Command::serve:
        return serve(std::move(options), argc, argv, environment);
      case Command::check:
        return check(options, environment);
      case Command::top:
        return top(options);
      case Command::health:
        return health(options.settings);
      case Command::show_config:
        std::cout << config_text(options);
        return 0;
      case Command::show_markdown:
        std::cout << settings_markdown();
        return 0;
      case Command::scram_secret:
        return scram_secret(options);
      case Command::import_settings:
        return import_settings(options);
      case Command::completion:
        std::cout << completion_text(options.operand);
        return 0;
      case Command::man:
        std::cout << man_text();
        return 0;
      case Command::show_help:
        std::cout << help_text(options.operand);
        return 0;
      case Command::show_version:
        std::cout << "ballast " BALLAST_VERSION "\n";
        return 0;
    }
  } catch (const OptionsError& error) {
    std::cerr << "ballast: " << error.what() << '\n';
  }
  return usage_exit_code;
}
