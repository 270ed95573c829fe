// ConnectionKeywords: the parameters that a connection string may have: those of the libpq that we link with,
// and the newer ones. For start and reload.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast {

// Each with its environment variable; empty: it has none.
std::vector<std::pair<std::string, std::string>> connection_keywords();

// Newer than Debian's libpq 15, which refuses it.
bool is_newer_keyword(std::string_view name);

// Throws UpstreamUrlError for an unknown name.
void check_keyword(std::string_view name);

}  // namespace ballast
