// The OpenAPI document (openapis.org, version 3.0.3) of what can be asked over HTTP, made from the table that
// answers it. Pure.
#pragma once

#include <span>
#include <string>

#include "proxy/app/http_route.hpp"

namespace ballast {

std::string open_api(std::span<const HttpRoute> routes);

}  // namespace ballast
