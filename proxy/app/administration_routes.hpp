// What changes something over HTTP, answered when it is done:
//
//   POST /pause, /resume   PAUSE and RESUME; ?database=NAME: that one only
//   POST /reload           reads settings, users and certificates again
//   POST /drain            what SIGTERM does; answered when it has begun
//   POST /warmup           connects a server, which wakes the database; answered when it has or has failed
#pragma once

#include <vector>

#include "proxy/app/administration.hpp"
#include "proxy/app/http_route.hpp"

namespace ballast {

std::vector<HttpRoute> administration_routes(Administration& administration);

}  // namespace ballast
