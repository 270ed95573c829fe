// ConnInfo: a connection URL or keyword string (PostgreSQL manual 34.1.1) as a map of libpq's keywords.
// libpq's own parser does the reading; what is newer than the libpq that we link with is taken out before and
// put back after. For start and reload.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "proxy/app/environment.hpp"

namespace ballast {

using ConnectionParameters = std::map<std::string, std::string>;

// Says what is wrong and how to put it right, and quotes nothing that may be a part of a password: where a
// URL is malformed, its pieces aren't what they seem.
struct UpstreamUrlError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What the text itself says.
ConnectionParameters parse_conninfo(std::string_view text);

// Adds what the text leaves open: from the service that it names, then from PG* variables, as libpq does.
void add_defaults(ConnectionParameters& parameters, const Environment& environment);

// $HOME, else the home of the process's user; empty: it has none.
std::string home_folder(const Environment& environment);
std::string system_user();

}  // namespace ballast
