#include "proxy/app/check_report.hpp"

#include <doctest/doctest.h>

using namespace ballast;

TEST_CASE("a finding is a line, and its remedy another") {
  CHECK(finding_text({"dns", CheckVerdict::ok, 2.06, "h: 127.0.0.1", ""}) ==
        "ok    dns                2.06 ms  h: 127.0.0.1\n");
  CHECK(finding_text({"tcp", CheckVerdict::warn, {}, "none", "do"}) ==
        "warn  tcp                         none\n"
        "                                  -> do\n");
  CHECK(finding_text({"a very long name of a step", CheckVerdict::fail, 123456.7, "x", ""})
            .find(" 123456.7 ms") != std::string::npos);
}

TEST_CASE("what others have said can't begin a new line or move the cursor") {
  CHECK(finding_text({"s", CheckVerdict::ok, {}, "a\nb\x1b[2J", ""}).ends_with("a\\nb\\x1b[2J\n"));
}

TEST_CASE("as JSON it says of each step what the lines say") {
  CHECK(findings_json(
            {{"dns", CheckVerdict::ok, 0.25, "a \"b\"", ""}, {"tcp", CheckVerdict::fail, {}, "no", "do"}}) ==
        "{\"ok\": false, \"steps\": [\n"
        "  {\"step\": \"dns\", \"verdict\": \"ok\", \"ms\": 0.25, \"found\": \"a \\\"b\\\"\", \"remedy\": "
        "null},\n"
        "  {\"step\": \"tcp\", \"verdict\": \"fail\", \"ms\": null, \"found\": \"no\", \"remedy\": \"do\"}\n"
        "]}\n");
}

TEST_CASE("a warning is no failure") {
  CHECK_FALSE(has_failed({{"a", CheckVerdict::ok, {}, "", ""}, {"b", CheckVerdict::warn, {}, "", ""}}));
  CHECK(has_failed({{"a", CheckVerdict::fail, {}, "", ""}, {"b", CheckVerdict::ok, {}, "", ""}}));
}
