#include "proxy/app/service_file.hpp"

#include <doctest/doctest.h>

#include "proxy/app/conninfo.hpp"

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

TEST_CASE("a service is the keywords of its section") {
  const std::string text = "# comment\n[one]\nhost=a\n\n  port=1  \n[two]\nhost=b\npassword=x=y\r\n";
  const auto one = find_service(text, "one");
  const auto two = find_service(text, "two");
  REQUIRE(one);
  REQUIRE(two);
  CHECK(*one == std::map<std::string, std::string>{{"host", "a"}, {"port", "1"}});
  CHECK(*two == std::map<std::string, std::string>{{"host", "b"}, {"password", "x=y"}});
  CHECK_FALSE(find_service(text, "three"));
}

TEST_CASE("a broken line is named by its number and not quoted") {
  CHECK_THROWS_WITH_AS(find_service("[s]\nhost=a\nhunter2\n", "s"),
                       "names a service whose line 3 isn't keyword=value", UpstreamUrlError);
  CHECK(find_service("[other]\nnonsense\n[s]\nhost=a\n", "s"));
}

TEST_CASE("the own file comes first, then the system's") {
  const TemporaryFolder folder;
  const std::string own = folder.write("own", "[s]\nhost=own\n");
  folder.write("pg_service.conf", "[s]\nhost=system\n[t]\nhost=t\n");
  folder.write(".pg_service.conf", "[s]\nhost=home\n");
  const Environment environment{{"PGSERVICEFILE", own}, {"PGSYSCONFDIR", folder.path("")}};
  CHECK(read_service("s", environment, "").at("host") == "own");
  CHECK(read_service("t", environment, "").at("host") == "t");
  CHECK(read_service("s", {{"PGSYSCONFDIR", folder.path("")}}, folder.path("")).at("host") == "home");
  CHECK_THROWS_WITH_AS(read_service("u", environment, ""),
                       "names the service \"u\", which is in no service file; set PGSERVICEFILE",
                       UpstreamUrlError);
}

TEST_CASE("a service fills what the text leaves open, and comes before the environment") {
  const TemporaryFolder folder;
  const Environment environment{
      {"PGSERVICEFILE",
       folder.write("services", "[s]\nhost=service\nport=7\nuser=u\nsslnegotiation=direct\n")},
      {"PGPORT", "8"},
      {"PGDATABASE", "d"},
      {"HOME", folder.path("")}};
  ConnectionParameters parameters = parse_conninfo("service=s host=text");
  add_defaults(parameters, environment);
  CHECK(parameters.at("host") == "text");
  CHECK(parameters.at("port") == "7");
  CHECK(parameters.at("user") == "u");
  CHECK(parameters.at("dbname") == "d");
  CHECK(parameters.at("sslnegotiation") == "direct");
}
