// What GET /state and GET /timeline show. Pure readers of the World.
#pragma once

#include <boost/json/object.hpp>

#include "tests/neon/world.hpp"

namespace ballast::neon {

boost::json::object report_state(const World& world);
boost::json::array report_timeline(const World& world);

}  // namespace ballast::neon
