#include "proxy/app/health_command.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("without http_port nobody can say whether it is well") { CHECK(health(Settings()) == 1); }

}  // namespace ballast
