#include "proxy/app/upstream_hosts.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proxy/app/conninfo.hpp"

using namespace ballast;

namespace {

// "host|hostaddr|port" of each, or the problem.
std::string paired(const std::string& names, const std::string& addresses, const std::string& ports) {
  std::string text;
  try {
    for (const UpstreamHost& host : upstream_hosts(names, addresses, ports)) {
      text += (text.empty() ? "" : " ") + host.host + "|" + host.hostaddr + "|" + std::to_string(host.port);
    }
  } catch (const UpstreamUrlError& failure) {
    return failure.what();
  }
  return text;
}

}  // namespace

TEST_CASE("hosts, addresses and ports are paired as libpq pairs them") {
  CHECK(paired("a", "", "") == "a||5432");
  CHECK(paired("a,b", "", "5433") == "a||5433 b||5433");
  CHECK(paired("a,b,c", "", "1,,3") == "a||1 b||5432 c||3");
  CHECK(paired("a,b", "10.0.0.1,::1", "1,2") == "a|10.0.0.1|1 b|::1|2");
  CHECK(paired("", "10.0.0.1,10.0.0.2", "") == "|10.0.0.1|5432 |10.0.0.2|5432");
  CHECK(paired("a,b", "10.0.0.1,", "") == "a|10.0.0.1|5432 b||5432");
  CHECK(paired("::1", "", "") == "::1||5432");
  CHECK(paired("/var/run/postgresql,@abstract", "", "") == "/var/run/postgresql||5432 @abstract||5432");
  CHECK(paired("fe80::1%eth0", "", "") == "fe80::1%eth0||5432");
}

TEST_CASE("lists that don't match are refused with their lengths") {
  CHECK(paired("a,b", "", "1,2,3") == "has 3 ports for 2 hosts; give one for each, or one for all");
  CHECK(paired("a,b,c", "10.0.0.1,10.0.0.2", "") ==
        "has 3 host names for 2 hostaddr values; give as many of both");
}

TEST_CASE("what isn't a host, an address or a port is refused and not quoted") {
  const std::string no_host = "has no host; use postgresql://user:password@host/database";
  CHECK(paired("", "", "5432") == no_host);
  CHECK(paired("a,,b", "", "") == no_host);
  CHECK(paired("hun@ter2", "", "") ==
        "has a host that is neither a name nor an address; percent-encode the password");
  CHECK(paired("a b", "", "").starts_with("has a host that is neither"));
  CHECK(paired("a", "hunter2", "") == "has a hostaddr that isn't a numeric address; put names in host");
  for (const std::string port : {"hunter2", "0", "65536", "-1", "5432x", " 5432"}) {
    CHECK(paired("a", "", port) ==
          "has a port that isn't 1 to 65535; if the password holds : or /, percent-encode it");
  }
}

TEST_CASE("Neon's hosts are known by their domain") {
  CHECK(is_neon_host("ep-a-b-123.eu-central-1.aws.neon.tech"));
  CHECK(is_neon_host("ep-a-pooler.c-4.us-east-1.aws.neon.tech"));
  CHECK(is_neon_host("EP-A.eastus2.azure.NEON.TECH."));
  CHECK(is_neon_host("ep-a.eu-west-1.aws.neon.build"));
  CHECK_FALSE(is_neon_host("neon.tech.example"));
  CHECK_FALSE(is_neon_host("myneon.tech"));
  CHECK_FALSE(is_neon_host("neon.tech"));
  CHECK_FALSE(is_neon_host(""));
  CHECK_FALSE(is_neon_host("."));
}

TEST_CASE("Neon's pooler is known by its endpoint's suffix, and the direct host is the name without that") {
  CHECK(direct_neon_host("ep-a-b-123-pooler.eu-central-1.aws.neon.tech") ==
        "ep-a-b-123.eu-central-1.aws.neon.tech");
  CHECK(direct_neon_host("ep-a-pooler.c-4.us-east-1.aws.neon.tech") == "ep-a.c-4.us-east-1.aws.neon.tech");
  CHECK(direct_neon_host("EP-A-POOLER.eastus2.azure.NEON.TECH.") == "EP-A.eastus2.azure.NEON.TECH.");
  CHECK(direct_neon_host("ep-a-b-123.eu-central-1.aws.neon.tech").empty());
  CHECK(direct_neon_host("ep-pooler-a.eu-central-1.aws.neon.tech").empty());
  CHECK(direct_neon_host("ep-a.b-pooler.neon.tech").empty());
  CHECK(direct_neon_host("ep-a-pooler.example.com").empty());
  CHECK(direct_neon_host("").empty());
}
