// What a Host header says (RFC 9110, 7.2). A page in a browser can ask whatever its own name leads to, and
// make that name lead to this machine meanwhile (DNS rebinding). Pure.
#pragma once

#include <string_view>

namespace ballast {

// Could no name server have led somebody here under it? An address, localhost or a name below that (RFC
// 6761, 6.3), with a port or without; or none at all, which no browser sends.
bool is_beyond_dns(std::string_view host);

}  // namespace ballast
