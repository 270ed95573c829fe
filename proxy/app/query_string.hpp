// The query of a URL, what stands behind its "?". Pure.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

// The value of that name in a query such as "database=app&x=1"; empty: there is none.
std::string query_parameter(std::string_view query, std::string_view name);

}  // namespace ballast
