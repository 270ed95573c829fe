#include "proxy/app/http_host.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("addresses and names of this machine are beyond the reach of name servers") {
  for (const char* host : {"127.0.0.1", "127.0.0.1:9127", "10.0.0.7:80", "[::1]", "[::1]:9127", "localhost",
                           "LocalHost:9127", "ballast.localhost", "a.b.localhost:1", ""}) {
    CAPTURE(host);
    CHECK(is_beyond_dns(host));
  }
}

TEST_CASE("any other name may be somebody else's") {
  for (const char* host :
       {"evil.example", "evil.example:9127", "127.0.0.1.evil.example", "localhost.evil.example",
        "notlocalhost", "ballast:9127", "[evil.example]", "[::1", ":9127", "127.0.0.1 ", "0x7f.1", "1"}) {
    CAPTURE(host);
    CHECK_FALSE(is_beyond_dns(host));
  }
}

}  // namespace ballast
