// UpstreamUrl: from a connection URL or keyword string to an UpstreamTarget, with libpq's defaults and
// checks, and verified TLS where the host is Neon's. For start and reload.
#pragma once

#include <string>
#include <string_view>

#include "proxy/app/conninfo.hpp"
#include "proxy/app/environment.hpp"
#include "proxy/base/upstream_target.hpp"

namespace ballast {

// Throws UpstreamUrlError; its text continues a sentence that begins with the setting's name.
UpstreamTarget parse_upstream_url(std::string_view text, const Environment& environment);

// The target as a URL without password and other secrets, for people.
std::string shown_url(const UpstreamTarget& target);

std::string_view sslmode_name(SslMode mode);

}  // namespace ballast
