// ScramSecretCommand: `ballast scram-secret`: a password as PostgreSQL and auth_file keep it, so that nobody
// else has to see it.
#pragma once

#include <string>
#include <string_view>

#include "proxy/app/options.hpp"

namespace ballast {

// Asks for the password on a terminal, twice and unseen; else reads the first line of standard input. Prints
// one line. Throws OptionsError.
int scram_secret(const Options& options);

// Pure: SCRAM-SHA-256$4096:..., and with a user the line for auth_file. Throws OptionsError for an empty
// password or a user whose name such a file can't hold.
std::string scram_secret_line(std::string_view password, std::string_view salt, std::string_view user);

}  // namespace ballast
