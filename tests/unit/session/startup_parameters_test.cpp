#include "proxy/session/startup_parameters.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

ReportedParameters values(const StartupParameters& parameters) {
  const StartupValues result = read_startup_values(parameters);
  CHECK(result.error.message.empty());
  return result.values;
}
ReportedParameters options(const std::string& text) { return values({{"options", text}}); }
std::string refusal(const std::string& text) {
  const StartupValues result = read_startup_values({{"options", text}});
  CHECK(result.error.severity == Severity::fatal);
  CHECK(result.error.sqlstate == "42601");
  return result.error.message;
}

}  // namespace

TEST_CASE("no parameters, no values; empty options are none") {
  CHECK(values({}).empty());
  CHECK(options("").empty());
  CHECK(options("   \t\n ").empty());
}

TEST_CASE("names are taken in lower case, values as they are [5.1-12]") {
  CHECK(values({{"TimeZone", "Europe/Berlin"}, {"application_name", ""}}) ==
        ReportedParameters{{"timezone", "Europe/Berlin"}, {"application_name", ""}});
}

TEST_CASE("every way to write an option means the same [5.1-13]") {
  const ReportedParameters expected{{"a", "b"}};
  for (const std::string text :
       {"-c a=b", "-ca=b", "--a=b", "  -c   a=b  ", "-c\ta=b", "-c A=b", "-c a=x --a=b"}) {
    CAPTURE(text);
    CHECK(options(text) == expected);
  }
}

TEST_CASE("several options, and values with equals signs, dashes and nothing") {
  CHECK(options("-c a=1 --b=2 -cc=3") == ReportedParameters{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  CHECK(options("-c a=x=y") == ReportedParameters{{"a", "x=y"}});
  CHECK(options("-c a=") == ReportedParameters{{"a", ""}});
  CHECK(options("--statement-timeout=5s") == ReportedParameters{{"statement_timeout", "5s"}});
  CHECK(options("-c search-path=a-b") == ReportedParameters{{"search_path", "a-b"}});
}

TEST_CASE("a backslash takes the next character as it is [5.1-13]") {
  CHECK(options("-c a=one\\ two") == ReportedParameters{{"a", "one two"}});
  CHECK(options("-c a=back\\\\slash") == ReportedParameters{{"a", "back\\slash"}});
  CHECK(options("-c a=\\b") == ReportedParameters{{"a", "b"}});
}

TEST_CASE("a backslash at the very end means nothing, as in pg_split_opts()") {
  CHECK(options("-c a=b\\") == ReportedParameters{{"a", "b"}});
}

TEST_CASE("a parameter given directly wins over the same one in options, wherever it stands [5.1-13]") {
  CHECK(values({{"options", "-c TimeZone=UTC -c a=1"}, {"timezone", "Asia/Tokyo"}}) ==
        ReportedParameters{{"timezone", "Asia/Tokyo"}, {"a", "1"}});
  CHECK(values({{"timezone", "Asia/Tokyo"}, {"options", "-c timezone=UTC"}}) ==
        ReportedParameters{{"timezone", "Asia/Tokyo"}});
}

TEST_CASE("options and replication are no settings themselves") {
  CHECK(values({{"options", "-c a=1"}, {"replication", "false"}}) == ReportedParameters{{"a", "1"}});
}

TEST_CASE("options that are no settings are refused, as PostgreSQL does") {
  CHECK(refusal("-c") == "invalid command-line argument for server process: -c");
  CHECK(refusal("stray") == "invalid command-line argument for server process: stray");
  CHECK(refusal("-c a=1 more").find("more") != std::string::npos);
  CHECK(refusal("-c a") == "-c a requires a value");
  CHECK(refusal("--a") == "--a requires a value");
}

TEST_CASE("a parameter's odd name is refused before it comes near a server [5.1-14]") {
  for (const std::string name : {"a b", "a\"b", "a;b", "a'b", ""}) {
    CAPTURE(name);
    const StartupValues result = read_startup_values({{name, "1"}});
    CHECK(result.error.severity == Severity::fatal);
    CHECK(result.error.sqlstate == "42704");
    CHECK(result.error.message == "unrecognized configuration parameter \"" + name + "\"");
  }
}

TEST_CASE("ballast.priority is for us: it goes to no server") {
  CHECK(read_startup_values({{"a", "1"}}).priority == Priority::normal);
  const StartupValues high = read_startup_values({{"options", "-c ballast.priority=high -c a=1"}});
  CHECK(high.priority == Priority::high);
  CHECK(high.values == ReportedParameters{{"a", "1"}});
  CHECK(read_startup_values({{"Ballast.Priority", "LOW"}}).priority == Priority::low);
}

TEST_CASE("a priority that there is not is refused, with those that there are") {
  const StartupValues result = read_startup_values({{"ballast.priority", "highest"}});
  CHECK(result.error.severity == Severity::fatal);
  CHECK(result.error.sqlstate == "22023");
  CHECK(result.error.message == "invalid value for parameter \"ballast.priority\": \"highest\"");
  CHECK(result.error.hint == "Available values: high, normal, low.");
}

TEST_CASE("unknown names that could be a setting's are left to the server [5.1-14]") {
  CHECK(values({{"no_such_setting", "1"}, {"my.custom", "2"}}).size() == 2);
}

}  // namespace ballast
