#include "protocol/error_message.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {

using namespace wire;

TEST_CASE("an error has the fields that every client reads") {
  PgError error = fatal("28P01", "no");
  std::string out = "before";
  write_error(out, error);
  CHECK(out == "before" + message('E', "SFATAL\0VFATAL\0C28P01\0Mno\0\0"s));
  error.severity = Severity::warning;
  error.detail = "because";
  error.hint = "try";
  out.clear();
  write_error(out, error);
  CHECK(out == message('N', "SWARNING\0VWARNING\0C28P01\0Mno\0Dbecause\0Htry\0\0"s));
}

TEST_CASE("a zero byte in a text can't make fields of its own") {
  std::string out;
  write_error(out, fatal("08P01", "user \"a\0C00000\0\""s));
  CHECK(messages(out)[0].body == "SFATAL\0VFATAL\0C08P01\0Muser \"a\0\0"s);
}

TEST_CASE("what a server sent is read, whatever is missing or unknown") {
  const PgError whole = read_error("SSCHWERWIEGEND\0VFATAL\0C57P01\0Mend\0Dd\0Hh\0Ff.c\0zz\0\0"s);
  CHECK(whole.severity == Severity::fatal);
  CHECK(whole.sqlstate == "57P01");
  CHECK(whole.message == "end");
  CHECK(whole.detail == "d");
  CHECK(whole.hint == "h");
  CHECK(read_error("VPANIC\0SERROR\0\0"s).severity == Severity::fatal);
  CHECK(read_error("SFATAL\0\0"s).severity == Severity::fatal);
}

TEST_CASE("an error without SQLSTATE is read (CVE-2026-6666)") {
  const PgError error = read_error("SERROR\0Mno such endpoint\0\0"s);
  CHECK(error.sqlstate.empty());
  CHECK(error.message == "no such endpoint");
}

TEST_CASE("an error cut at any byte is read as far as it goes") {
  const std::string body = "SFATAL\0VFATAL\0C57P01\0Mthe end\0\0"s;
  for (std::size_t size = 0; size <= body.size(); ++size) {
    const PgError error = read_error(body.substr(0, size));
    CHECK(error.sqlstate == (size >= 21 ? "57P01" : ""));
    CHECK(error.message == (size >= 30 ? "the end" : ""));
  }
}

TEST_CASE("names are replaced in message and detail alone, all else byte by byte") {
  const std::string body = "SERROR\0C26000\0Mstatement \"b_1\" and b_1\0Db_1!\0Wb_1\0P17\0zb_1\0\0"s;
  CHECK(replace_in_error(body, "b_1", "mine") ==
        "SERROR\0C26000\0Mstatement \"mine\" and mine\0Dmine!\0Wb_1\0P17\0zb_1\0\0"s);
  CHECK(replace_in_error(body, "", "x") == body);
  CHECK(replace_in_error(body, "absent", "x") == body);
  for (std::size_t size = 0; size <= body.size(); ++size)
    CHECK(replace_in_error(body.substr(0, size), "b_1", "b_1") == body.substr(0, size));
}

}  // namespace ballast
