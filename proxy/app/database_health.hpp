// What /health/db says: how the database is, since when, and what went wrong last. Pure, but for the clocks
// that say when that was.
#pragma once

#include <string>

#include "proxy/app/database_probe.hpp"
#include "proxy/base/json_writer.hpp"

namespace ballast {

// Down, nobody is let in, or asked and silent. Sleep is not unwell.
bool is_well(const DatabaseProbe::Outcome& outcome);
std::string database_health_json(const DatabaseProbe::Outcome& outcome);
// The fields "state", "since" and "last_error" of an object.
void write_upstream(JsonWriter& json, const Upstream::Figures& upstream);

}  // namespace ballast
