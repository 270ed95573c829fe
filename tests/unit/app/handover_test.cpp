#include "proxy/app/handover.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast::handover {

TEST_CASE("the two meet where they have the same addresses to listen on, and nowhere without a port") {
  Settings settings;
  const auto here = meeting_point(settings);
  REQUIRE(here);
  CHECK(meeting_point(settings) == here);
  settings.default_pool_size = 7;
  CHECK(meeting_point(settings) == here);
  settings.listen_port = 6433;
  CHECK(meeting_point(settings) != here);
  settings = {};
  settings.listen_addr = "*";
  CHECK(meeting_point(settings) != here);
  settings = {};
  settings.unix_socket_dir = "/tmp";
  CHECK(meeting_point(settings) != here);
  settings.listen_port = 0;
  CHECK_FALSE(meeting_point(settings));
}

TEST_CASE("a cancel request comes through whole, and its number back") {
  const std::string secret("\0\xff k", 4);
  const auto read = read_cancel(text_of(Cancel{7, {-5, secret}}));
  REQUIRE(read);
  CHECK(read->number == 7);
  CHECK(read->request.process_id == -5);
  CHECK(read->request.secret == secret);
  CHECK(read_cancelled(text_of_cancelled(7)) == 7);
}

TEST_CASE("what is no cancel request is none") {
  for (const char* text : {"", "cancel", "cancel 7", "cancel 7 5", "cancel x 5 00", "cancel 7 5x 00",
                           "cancel 7 5 0", "cancel 7 5 0g", "cancel 7 99999999999 00", "cancelled 7 5 00"}) {
    CAPTURE(text);
    const auto read = read_cancel(text);
    CHECK((!read || read->request.secret.empty()));
  }
  CHECK_FALSE(read_cancelled("cancelled"));
  CHECK_FALSE(read_cancelled("cancelled x"));
  CHECK_FALSE(read_cancelled("cancel 7"));
}

}  // namespace ballast::handover
