// UpstreamHosts: the servers that a URL names, paired from its lists of hosts, addresses and ports as libpq
// does (PostgreSQL manual 34.1.1.3). For start and reload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/upstream_target.hpp"

namespace ballast {

// Comma-separated lists; an empty one isn't given. Throws UpstreamUrlError.
std::vector<UpstreamHost> upstream_hosts(const std::string& names, const std::string& addresses,
                                         const std::string& ports);

bool is_neon_host(std::string_view host);
// Of Neon's own pooler: the host without it. Empty: it is no such host.
std::string direct_neon_host(std::string_view host);
bool is_socket_folder(std::string_view host);

}  // namespace ballast
