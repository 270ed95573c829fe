#include "proxy/sql/glance.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "proxy/sql/statement_effect.hpp"

namespace ballast {

TEST_CASE("a point select is seen to be plain") {
  for (const std::string_view text :
       {"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;", "select a from t where b = $1",
        "Update t set a = a + 1 where b > 2", "DELETE FROM some_table", "SELECT\nthis_and_that, * FROM t",
        "SELECT a FROM ümläüte WHERE tempo3 = 1 LIMIT $2"}) {
    CAPTURE(text);
    const bool has_temp = text.find("temp") != std::string_view::npos;
    CHECK(is_plain_at_a_glance(text) == !has_temp);
  }
}

TEST_CASE("whatever needs the lexer is left to it, wherever it stands") {
  const std::string select = "SELECT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  REQUIRE(is_plain_at_a_glance(select));
  for (const std::string_view piece :
       {"(", "'", "\"", "--", "/*", ";", "$$", "$a$", "temp", "TEMP", "Pg_Temp_3"}) {
    CAPTURE(piece);
    for (std::size_t at = 7; at + piece.size() < select.size(); ++at) {
      std::string text = select;
      text.replace(at, piece.size(), piece);
      CAPTURE(text);
      CHECK_FALSE(is_plain_at_a_glance(text));
    }
  }
}

TEST_CASE("other statements and short ones are left to the lexer") {
  for (const std::string_view text :
       {"", ";", "SELECT 1", "SELECTED a FROM bbbbbbbbbbbbbbb", "SET search_path TO aaaaaaaaaaaaa",
        "INSERT INTO t DEFAULT VALUES", " SELECT a FROM bbbbbbbbbbbbbbb", "SELECT a FROM bbbbbbbbbbbbbbb;;",
        "EXECUTE aaaaaaaaaaaaaaaaaaaaaaaa"}) {
    CAPTURE(text);
    CHECK_FALSE(is_plain_at_a_glance(text));
  }
}

}  // namespace ballast
