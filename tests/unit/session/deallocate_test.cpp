#include "proxy/session/deallocate.hpp"

#include <array>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("DEALLOCATE names a statement in every spelling that PostgreSQL takes [5.2-50]") {
  struct Spelling {
    std::string_view sql;
    std::string_view name;
  };
  constexpr std::array spellings{
      Spelling{"DEALLOCATE s1", "s1"},
      Spelling{"deallocate s1", "s1"},
      Spelling{"DEALLOCATE PREPARE s1", "s1"},
      Spelling{"  Deallocate\n prepare\ts1 ; ", "s1"},
      Spelling{"DEALLOCATE S1;", "s1"},
      Spelling{"DEALLOCATE \"S1\"", "S1"},
      Spelling{"DEALLOCATE PREPARE \"a \"\"b\"\" c\";", "a \"b\" c"},
      Spelling{"DEALLOCATE\"S1\"", "S1"},
      Spelling{"DEALLOCATE pdo_stmt_00000001", "pdo_stmt_00000001"},
      Spelling{"DEALLOCATE \"all\"", "all"},
      Spelling{"DEALLOCATE \"prepare\"", "prepare"},
      Spelling{"DEALLOCATE prepare", "prepare"},  // "PREPARE name" needs a name, so this is one
      Spelling{"DEALLOCATE ünïcödé", "ünïcödé"},
  };
  for (const Spelling& spelling : spellings) {
    CAPTURE(spelling.sql);
    CHECK(deallocated_name(spelling.sql) == std::string(spelling.name));
  }
}

TEST_CASE("what is no DEALLOCATE of one statement is left alone [5.2-50]") {
  constexpr std::array<std::string_view, 14> others{
      "",
      "d",
      "SELECT 1",
      "DEALLOCATE",
      "DEALLOCATE ALL",
      "deallocate prepare all;",
      "DEALLOCATE s1; SELECT 1",
      "DEALLOCATE s1 s2",
      "DEALLOCATE \"s1",
      "DEALLOCATES s1",
      "DEALLOCATE 's1'",
      "-- DEALLOCATE s1",
      "DISCARD ALL",
      "DEALLOCATE \"\"",
  };
  for (const std::string_view sql : others) {
    CAPTURE(sql);
    CHECK_FALSE(deallocated_name(sql).has_value());
  }
}

TEST_CASE("a DEALLOCATE cut at any byte names nothing but a beginning of its name") {
  constexpr std::string_view sql = "DEALLOCATE PREPARE statement";
  for (std::size_t size = 0; size < sql.size(); ++size) {
    CAPTURE(size);
    const auto name = deallocated_name(sql.substr(0, size));
    CHECK((!name || std::string_view("statement").starts_with(*name) ||
           std::string_view("prepare").starts_with(*name)));
  }
}

}  // namespace ballast
