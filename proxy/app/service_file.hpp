// ServiceFile: libpq's connection service file (PostgreSQL manual 34.17): [service] sections of keyword=value
// lines. Looked for in $PGSERVICEFILE, else ~/.pg_service.conf, then $PGSYSCONFDIR/pg_service.conf. LDAP
// isn't supported.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/app/environment.hpp"

namespace ballast {

// Throw UpstreamUrlError. A syntax error names the line, not its text, which may hold a password.
std::map<std::string, std::string> read_service(const std::string& service, const Environment& environment,
                                                const std::string& home);
std::optional<std::map<std::string, std::string>> find_service(std::string_view text,
                                                               std::string_view service);

}  // namespace ballast
