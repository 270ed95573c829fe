#include "proxy/app/http_client.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("an address that stands for all is reached by loopback") {
  CHECK(own_address("0.0.0.0") == "127.0.0.1");
  CHECK(own_address("::") == "::1");
  CHECK(own_address("127.0.0.1") == "127.0.0.1");
  CHECK(own_address("10.0.0.7") == "10.0.0.7");
  CHECK(own_address("fd00::7") == "fd00::7");
}

TEST_CASE("the status of an HTTP answer is in its first line") {
  CHECK(http_status("HTTP/1.1 200 OK\r") == 200);
  CHECK(http_status("HTTP/1.0 503 Service Unavailable\r") == 503);
  CHECK(http_status("HTTP/1.1 204") == 204);
}

TEST_CASE("what is no HTTP answer has no status") {
  for (const char* line :
       {"", "HTTP/1.", "HTTP/1.1 20", "HTTP/1.1 2x0 OK", "HTTP/1.1 -20", "SSH-2.0-x", "E"}) {
    CAPTURE(line);
    CHECK(http_status(line) == 0);
  }
}

TEST_CASE("where nobody listens there is no answer, but a reason") {
  const HttpReply reply = http_get({"127.0.0.1", 1, "/metrics", "", std::chrono::seconds(30)});
  CHECK(reply.status == 0);
  CHECK(reply.error == "nobody answers at 127.0.0.1 port 1: Connection refused");
}

}  // namespace ballast
