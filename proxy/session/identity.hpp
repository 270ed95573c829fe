// Who a session is, as two of its settings say.
#pragma once

#include <string_view>

namespace ballast {

// RESET ALL leaves them as they are, DISCARD ALL ends them, SET ROLE NONE is not a RESET.
inline bool is_identity(std::string_view name) { return name == "role" || name == "session_authorization"; }

}  // namespace ballast
