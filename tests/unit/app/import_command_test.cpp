#include "proxy/app/import_command.hpp"

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string imported(const std::string& ini) {
  const TemporaryFolder folder;
  return imported_text(read_pgbouncer_file(folder.write("pgbouncer.ini", ini)), "pgbouncer.ini");
}

// The settings that Ballast reads from what was imported.
Settings settings_of(const std::string& ini) {
  const TemporaryFolder folder;
  return load({"config", "--config", folder.write("ballast.toml", imported(ini))}).settings;
}

}  // namespace

TEST_CASE("settings with an equal are taken over, times in seconds") {
  const Settings settings = settings_of(
      "[pgbouncer]\nlisten_addr = *\nlisten_port = 7000\nquery_wait_timeout = 1.5\nserver_idle_timeout=60\n"
      "pool_mode = transaction\ndefault_pool_size = 7\nunix_socket_mode = 0700\nunix_socket_dir =\n");
  CHECK(settings.listen_addr == "*");
  CHECK(settings.listen_port == 7000);
  CHECK(settings.query_wait_timeout.count() == 1500);
  CHECK(settings.server_idle_timeout.count() == 60000);
  CHECK(settings.default_pool_size == 7);
  CHECK(settings.unix_socket_mode == 0700);
  CHECK(settings.unix_socket_dir == "");
}

TEST_CASE("what the file leaves open is as PgBouncer would do it") {
  const Settings settings =
      settings_of("[databases]\na = host=h password=x user=u\n[pgbouncer]\nauth_type = trust\n");
  CHECK(settings.pool_mode == PoolMode::session);
  CHECK(settings.max_client_conn == 100);
  CHECK(settings.listen_addr == "");
  CHECK(settings.unix_socket_dir == "/tmp");
}

TEST_CASE("the first database's server is the one to serve") {
  const std::string ini =
      "[databases]\n* = host=fallback\nfoo = host=h.example port=5433 dbname='two words'\nbar = "
      "host=h.example "
      "port=5433 pool_size=3\nfar = host=elsewhere\n[pgbouncer]\nauth_type = trust\nserver_tls_sslmode = "
      "verify-ca\n"
      "server_tls_ca_file = /a b/ca.crt\ntcp_keepidle = 30\n";
  const Settings settings = settings_of(ini);
  REQUIRE(settings.upstream.hosts.size() == 1);
  CHECK(settings.upstream.hosts[0].host == "h.example");
  CHECK(settings.upstream.hosts[0].port == 5433);
  CHECK(settings.upstream.dbname == "two words");
  CHECK(settings.upstream.sslmode == SslMode::verify_ca);
  CHECK(settings.upstream.sslrootcert == "/a b/ca.crt");
  CHECK(settings.upstream.keepalives_idle.count() == 30);
  CHECK(settings.databases.at("foo").dbname == "two words");
  CHECK(settings.databases.at("bar").pool_size == 3);
  CHECK_FALSE(settings.databases.contains("far"));
  CHECK(contains(imported(ini), "# far: another server (elsewhere)"));
  CHECK(contains(imported(ini), "# *: another server (fallback)"));
}

TEST_CASE("a database without a host is on the unix socket in PgBouncer's folder") {
  CHECK(settings_of("[databases]\na = port=5433\n[pgbouncer]\nauth_type=trust\nunix_socket_dir=/run/pg\n")
            .upstream.hosts[0]
            .host == "/run/pg");
  CHECK(settings_of("[databases]\n* =\n[pgbouncer]\nauth_type=trust\n").upstream.hosts[0].host == "/tmp");
}

TEST_CASE("what has no equal is a comment that says why") {
  const std::string text = imported(
      "[databases]\na = host=h connect_query='select 1'\n[users]\nu = query_timeout=5\n"
      "[peers]\n1 = host=p\n[pgbouncer]\nauth_query = select 1\nstats_period = 60\nadmin_users = "
      "root\nnonsense = 1\n");
  for (const std::string_view comment :
       {"# connect_query = select 1: ", "# query_timeout = 5: ", "# [peers] 1: ", "# auth_query = select 1: ",
        "# stats_period = 60: ", "# nonsense: PgBouncer 1.25 does not know it"}) {
    CHECK(contains(text, "\n" + std::string(comment)));
  }
  CHECK(contains(text, "\nadmin_users = \"root\""));
}

TEST_CASE("no password is copied") {
  const std::string text = imported(
      "[databases]\na = host=h user=u password='hunter2'\n[pgbouncer]\n"
      "auth_ldap_options = ldapbindpasswd=hunter2\n");
  CHECK_FALSE(contains(text, "hunter2"));
  CHECK(contains(text, "# password: not copied"));
}

TEST_CASE("a value can't become a line of its own, nor can a name") {
  const std::string text =
      imported("[databases]\n\"a]\\nworkers = 3\" = host=h application_name='\x1b[2J'\n");
  CHECK(contains(text, "[databases.\"a]\\\\nworkers = 3\"]"));
  CHECK_FALSE(contains(text, "\x1b"));
}

TEST_CASE("a pool that should keep more servers than it may have keeps as many as it may") {
  const Settings settings = settings_of(
      "[databases]\na = host=h\nb = host=h pool_size=2\nc = host=h min_pool_size=50\n[users]\nu = "
      "pool_size=1\n"
      "[pgbouncer]\nauth_type = trust\ndefault_pool_size = 4\nmin_pool_size = 9\n");
  CHECK(settings.min_pool_size == 4);
  CHECK(settings.databases.at("b").min_pool_size == 2);
  CHECK(settings.databases.at("c").min_pool_size == 4);
  CHECK(settings.users.at("u").min_pool_size == 1);
}

TEST_CASE("the last of several values counts") {
  CHECK(settings_of("[pgbouncer]\nlisten_port = 1\nlisten_port = 2\n").listen_port == 2);
}

TEST_CASE("an unreadable file is an error, and a file must be given") {
  CHECK(load({"import", "a.ini"}).operand == "a.ini");
  CHECK(load_error({"import"}) == "`ballast import` needs FILE; see `ballast import --help`");
  Options options = load({"import", "/nowhere"});
  CHECK_THROWS_AS(import_settings(options), OptionsError);
}
