#include "proxy/pool/channels.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {

using namespace std::string_literals;

TEST_CASE("a NotificationResponse is read whole, or is none") {
  const std::string body = wire::int32(42) + "channel\0payload\0"s;
  const auto notification = read_notification(body);
  REQUIRE(notification);
  CHECK(notification->process_id == 42);
  CHECK(notification->channel == "channel");
  CHECK(notification->payload == "payload");
  for (std::size_t size = 0; size < body.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(read_notification(body.substr(0, size)));
  }
  CHECK_FALSE(read_notification(body + "x"));
}

TEST_CASE("a mark is read as it was written, and what is none is not") {
  const Mark mark{18'446'744'073'709'551'615U, 7};
  const std::string text = set_mark("marks", mark);
  CHECK(text.ends_with("LISTEN \"marks\";NOTIFY \"marks\",'18446744073709551615.7'"));
  CHECK(read_mark("18446744073709551615.7") == mark);
  for (const std::string_view none :
       {"", ".", "1.", ".1", "1", "1.x", "x.1", "1.1 ", "-1.1", "1.1.1", "18446744073709551616.1"}) {
    CAPTURE(none);
    CHECK_FALSE(read_mark(none));
  }
}

TEST_CASE("names of channels are quoted, whatever is in them") {
  const Channels channels{"plain", "Upper", "a \"b\"; DROP TABLE t; --", "ü"};
  CHECK(listen_to(channels) ==
        "LISTEN \"Upper\";LISTEN \"a \"\"b\"\"; DROP TABLE t; --\";LISTEN \"plain\";LISTEN \"ü\";");
  CHECK(unlisten(Channels{"a", "b"}) == "UNLISTEN \"a\";UNLISTEN \"b\";");
  CHECK(listen_to({}).empty());
}

TEST_CASE("a mark waits neither for the disk nor for a limit of the client's") {
  const std::string text = listen_and_set_mark({"news"}, "marks", {1, 2});
  CHECK(text.starts_with("SET LOCAL synchronous_commit TO off;SET LOCAL lock_timeout TO 0;LISTEN \"news\";"));
}

}  // namespace ballast
