// DEALLOCATE in SQL, of a statement that the client has prepared by the protocol: PostgreSQL has one name
// space for both, and drivers use it (psycopg 3, PHP's PDO; pgbouncer#991). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ballast {

// The name in "DEALLOCATE [PREPARE] name [;]", folded to lower case unless quoted; nothing where `sql` is
// anything else, DEALLOCATE ALL included.
std::optional<std::string> deallocated_name(std::string_view sql);

}  // namespace ballast
