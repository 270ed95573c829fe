#include "proxy/app/settings_check.hpp"

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

TEST_CASE("the defaults are without conflict") { CHECK(first_conflict(Settings()) == ""); }

TEST_CASE("there must be something to listen on") {
  Settings settings;
  settings.listen_addr = "";
  CHECK(first_conflict(settings) == "nothing to listen on: set listen_addr or unix_socket_dir");
  settings.unix_socket_dir = "/tmp";
  CHECK(first_conflict(settings) == "");
}

TEST_CASE("a schedule must be readable, and there, if it is what counts") {
  Settings settings;
  settings.keepalive = KeepaliveMode::schedule;
  CHECK(first_conflict(settings) == "keepalive = schedule needs its hours: set keepalive_schedule");
  settings.keepalive_schedule = "Mon-Fri 08:00-18:30 Europe/Berlin";
  CHECK(first_conflict(settings) == "");
  settings.keepalive = KeepaliveMode::off;
  settings.keepalive_schedule = "Mon-Fri 8-18";
  CHECK(first_conflict(settings) ==
        "keepalive_schedule = \"Mon-Fri 8-18\": \"Mon-Fri 8-18\": hours are from-to, as in 08:00-18:30");
}

TEST_CASE("the folder for state must be a folder") {
  const TemporaryFolder folder;
  Settings settings;
  settings.state_dir = folder.path("");
  CHECK(first_conflict(settings) == "");
  settings.state_dir = folder.write("file", "");
  CHECK(first_conflict(settings) == "state_dir = \"" + folder.path("file") + "\": Not a directory");
}

TEST_CASE("TLS towards clients needs its files") {
  const TemporaryFolder folder;
  const std::string pem = folder.write("pem", "");
  Settings settings;
  settings.client_tls_sslmode = ClientTls::allow;
  CHECK(first_conflict(settings).starts_with("client_tls_sslmode needs a certificate"));
  settings.client_tls_cert_file = pem;
  CHECK(first_conflict(settings) == "client_tls_cert_file needs its key: set client_tls_key_file");
  settings.client_tls_key_file = pem;
  CHECK(first_conflict(settings) == "");
  settings.client_tls_sslmode = ClientTls::verify_ca;
  CHECK(first_conflict(settings).ends_with("needs roots: set client_tls_ca_file"));
  settings.client_tls_ca_file = pem;
  CHECK(first_conflict(settings) == "");
  settings.client_tls_ca_file = folder.path("none");
  CHECK(first_conflict(settings) ==
        "client_tls_ca_file = \"" + folder.path("none") + "\": No such file or directory");
}

TEST_CASE("ways to log in that can't work are refused") {
  Settings settings;
  settings.auth_type = AuthType::cert;
  CHECK(first_conflict(settings).starts_with("auth_type = cert needs client certificates"));
  settings.auth_type = AuthType::plain;
  CHECK(first_conflict(settings).starts_with("auth_type = plain sends passwords in clear"));
  settings.auth_type = AuthType::scram_sha_256;
  settings.upstream.hosts.push_back({"h", "", 5432});
  CHECK(first_conflict(settings).starts_with("no client could log in"));
  settings.upstream.password = "p";
  CHECK(first_conflict(settings) == "");
  settings.upstream.password = "";
  settings.auth_type = AuthType::trust;
  CHECK(first_conflict(settings) == "");
}

TEST_CASE("a broken auth_file is named with its line") {
  const TemporaryFolder folder;
  Settings settings;
  settings.auth_file = folder.write("users", "\"a\" \"b\"\nnonsense\n");
  CHECK(first_conflict(settings).starts_with("auth_file \"" + settings.auth_file + "\": line 2 is not"));
}

TEST_CASE("a privileged port for HTTP is refused") {
  Settings settings;
  settings.http_port = 1023;
  CHECK(first_conflict(settings) == "http_port = 1023: use one from 1024 to 65535, or 0 for none");
  for (const unsigned port : {0U, 1024U, 65535U}) {
    settings.http_port = static_cast<std::uint16_t>(port);
    CHECK(first_conflict(settings).empty());
  }
}

TEST_CASE("no pool keeps more connections open than it may have") {
  Settings settings;
  settings.min_pool_size = 21;
  CHECK(first_conflict(settings) ==
        "min_pool_size = 21 is above the pool's size 20: lower it, or raise default_pool_size");
  settings.min_pool_size = 5;
  settings.databases["app"].pool_size = 4;
  CHECK(first_conflict(settings) ==
        "databases.app.min_pool_size = 5 is above the pool's size 4: lower it, or raise "
        "databases.app.pool_size");
  settings.databases.clear();
  settings.users["bob"].min_pool_size = 30;
  CHECK(first_conflict(settings).starts_with("users.bob.min_pool_size = 30 is above the pool's size 20"));
}
