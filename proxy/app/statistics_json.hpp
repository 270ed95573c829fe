// What /stats and /stats/history say, as JSON: the Census, with the latencies of the last minute; the points
// of the Chronicle, as one list for each figure. Pure.
#pragma once

#include <string>

#include "proxy/app/chronicle.hpp"
#include "proxy/app/metrics.hpp"

namespace ballast {

std::string statistics_json(const Census& census, const Chronicle& chronicle);
std::string history_json(const Chronicle& chronicle);

}  // namespace ballast
