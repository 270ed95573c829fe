// Route: which endpoint a client means, and which of its startup parameters the compute gets to see.
//
// As neondatabase/neon, proxy/src/auth/credentials.rs, auth/password_hack.rs and compute/mod.rs. Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/startup.hpp"

namespace ballast::neon {

struct Route {
  std::string endpoint;  // with -pooler, where the client said so; empty: not known yet
  int error_row = 0;     // 0: none
  std::string sni;       // for the texts of the errors
  std::string option;
};

// `server_name` is the client's SNI, may be empty; `options` its startup parameter of that name.
Route find_route(std::string_view server_name, std::string_view domain, std::string_view options);

// "endpoint=<id>;<password>", the way of clients that have neither SNI nor options.
std::optional<std::pair<std::string, std::string>> read_password_hack(std::string_view password);

bool is_pooled(std::string_view endpoint);
std::string without_pooler(std::string_view endpoint);

// What is left of `options` for the compute.
std::string filter_options(std::string_view options);

enum class Whitelist { applies, lifted };

// What the compute's StartupMessage holds. Neon drops all but a few parameters without a word.
StartupParameters compute_parameters(const StartupMessage& startup, Whitelist whitelist);

// Does the client ask by `options` that the whitelist be lifted?
bool asks_for_all_parameters(std::string_view options);

// The name of the first setting in `options` that PgBouncer refuses; empty: it takes them all.
std::string find_refused_option(std::string_view options);

}  // namespace ballast::neon
