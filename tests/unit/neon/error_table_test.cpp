#include "tests/neon/rules/error_table.hpp"

#include <doctest/doctest.h>

#include "protocol/error_message.hpp"
#include "protocol/message.hpp"

namespace ballast::neon {
namespace {

using namespace std::string_literals;

TEST_CASE("there is a row for everything that happens on the wire") {
  for (int number = 1; number <= 58; ++number) {
    CAPTURE(number);
    REQUIRE(find_row(number));
    CHECK(find_row(number)->number == number);
  }
  CHECK_FALSE(find_row(59));
  CHECK_FALSE(find_row(0));
}

TEST_CASE("texts are filled in") {
  CHECK(error_text(*find_row(row::wrong_password), {{"user", "ann"}}) ==
        "password authentication failed for user 'ann'");
  CHECK(error_text(*find_row(row::two_endpoints), {{"sni", "a"}, {"option", "b"}}) ==
        "Inconsistent project name inferred from SNI ('a') and project option ('b').");
  CHECK(error_text(*find_row(row::two_endpoints), {}) ==
        "Inconsistent project name inferred from SNI ('') and project option ('').");
}

TEST_CASE("an error at login has severity, XX000 and a text, and nothing else") {
  std::string out;
  write_login_error(out, "ERROR", false, "no");
  CHECK(out == "E\0\0\0\x17"s + "SERROR\0CXX000\0Mno\0\0"s);
  out.clear();
  write_login_error(out, "FATAL", true, "no");
  CHECK(out == "E\0\0\0\x1e"s + "SFATAL\0VFATAL\0CXX000\0Mno\0\0"s);
}

TEST_CASE("an error in a session has its own severity and SQLSTATE") {
  std::string out;
  const ErrorRow& row = *find_row(row::admin_shutdown);
  write_session_error(out, row, row.text);
  const PgError error = read_error(std::string_view(out).substr(header_size));
  CHECK(out.front() == 'E');
  CHECK(error.severity == Severity::fatal);
  CHECK(error.sqlstate == "57P01");
  CHECK(error.message == "terminating connection due to administrator command");
}

TEST_CASE("the crash of another process is told by a notice") {
  std::string out;
  write_session_error(out, *find_row(58), find_row(58)->text);
  CHECK(out.front() == 'N');
}

TEST_CASE("stages have names") {
  CHECK(parse_stage("auth") == Stage::auth);
  CHECK(parse_stage("wake") == Stage::wake);
  CHECK(parse_stage("session") == Stage::session);
  CHECK_FALSE(parse_stage("late"));
}

}  // namespace
}  // namespace ballast::neon
