#include "proxy/app/console_role.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("with nobody named the URL's own user is the admin, and nobody else gets in") {
  Settings settings;
  settings.upstream.user = "owner";
  CHECK(console_role(settings, "owner") == ConsoleRole::admin);
  CHECK(!console_role(settings, "other"));
  CHECK(!console_role(settings, ""));
}

TEST_CASE("who is named gets in as what he is named, and then the URL's user does not") {
  Settings settings;
  settings.upstream.user = "owner";
  settings.admin_users = "ann, bob ,, carl";
  settings.stats_users = "bob,eye";
  CHECK(console_role(settings, "ann") == ConsoleRole::admin);
  CHECK(console_role(settings, "bob") == ConsoleRole::admin);
  CHECK(console_role(settings, "carl") == ConsoleRole::admin);
  CHECK(console_role(settings, "eye") == ConsoleRole::stats);
  CHECK(!console_role(settings, "owner"));
  CHECK(!console_role(settings, "ann, bob"));
  CHECK(!console_role(settings, ""));
  settings.admin_users = "";
  CHECK(console_role(settings, "eye") == ConsoleRole::stats);
  CHECK(!console_role(settings, "owner"));
}

}  // namespace ballast
