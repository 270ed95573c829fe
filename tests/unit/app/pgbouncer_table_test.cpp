#include "proxy/app/pgbouncer_table.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proxy/base/settings_table.hpp"

using namespace ballast;

namespace {

bool exists(PgBouncerSection section, std::string_view name) {
  if (section == PgBouncerSection::pgbouncer) return find_setting(name) != nullptr;
  const bool is_user = section == PgBouncerSection::user;
  return find_override(is_user ? OverrideScope::user : OverrideScope::database, name) != nullptr;
}

Conversion convert(std::string_view name, std::string_view value) {
  return find_pgbouncer_setting(PgBouncerSection::pgbouncer, name)->convert(value);
}

}  // namespace

TEST_CASE("each setting is one of Ballast's, a part of the URL, or has a reason why not") {
  for (const auto section :
       {PgBouncerSection::pgbouncer, PgBouncerSection::database, PgBouncerSection::user}) {
    std::string_view last;
    for (const PgBouncerSetting& row : pgbouncer_settings(section)) {
      CAPTURE(row.name);
      CHECK(row.name > last);
      last = row.name;
      if (row.import_as == ImportAs::setting) CHECK(exists(section, row.as));
      if (row.import_as == ImportAs::nothing) CHECK_FALSE(row.note.empty());
    }
  }
  for (const PgBouncerDefault& initial : pgbouncer_defaults()) CHECK(find_setting(initial.name) != nullptr);
}

TEST_CASE("a setting of the same name and another meaning is not taken for the same") {
  CHECK(find_setting("suspend_timeout") != nullptr);
  CHECK(find_pgbouncer_setting(PgBouncerSection::pgbouncer, "suspend_timeout")->import_as ==
        ImportAs::nothing);
}

TEST_CASE("values that mean something else are converted") {
  CHECK(convert("unix_socket_mode", "0700").value == "0700");
  CHECK(convert("unix_socket_mode", "448").value == "0700");
  CHECK(convert("server_check_delay", "0").value == "1ms");
  CHECK(convert("server_check_delay", "30").value == "30");
  CHECK(convert("server_check_query", "").value == "0");
  CHECK(convert("server_check_query", "select 1").as == ImportAs::nothing);
  CHECK(convert("server_lifetime", "0").as == ImportAs::nothing);
  CHECK(convert("server_lifetime", "3600.0").value == "3600.0");
  CHECK(convert("max_packet_size", "2147483647").value == "1073741822");
  CHECK(convert("max_packet_size", "4096").value == "4096");
  CHECK(convert("client_tls_sslmode", "prefer").value == "allow");
  CHECK(convert("auth_type", "scram-sha-256").value == "scram-sha-256");
  CHECK(convert("auth_type", "hba").as == ImportAs::nothing);
  CHECK(convert("unix_socket_dir", "@abstract").as == ImportAs::nothing);
  CHECK(convert("so_reuseport", "1").value == "on");
  CHECK(convert("so_reuseport", "0").value == "off");
  CHECK(convert("verbose", "2").value == "debug");
}
