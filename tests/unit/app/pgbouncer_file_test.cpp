#include "proxy/app/pgbouncer_file.hpp"

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

namespace {

std::vector<IniEntry> read(const std::string& text) {
  const TemporaryFolder folder;
  return read_pgbouncer_file(folder.write("pgbouncer.ini", text));
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const PgBouncerFileError& failure) {
    return failure.what();
  }
  return "";
}

std::string pairs_error(std::string_view text) {
  try {
    parse_connection_pairs(text);
  } catch (const PgBouncerFileError& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("lines are keys and values of their section, and comments are whole lines") {
  const auto entries = read(
      "; one\n\n# two\n [pgbouncer] \nlisten_port=6432\r\n  auth_type  =  md5 ; no comment \n"
      "server_check_query =\n[databases]\n* = host=h # neither");
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].section == "pgbouncer");
  CHECK(entries[0].key == "listen_port");
  CHECK(entries[0].value == "6432");
  CHECK(entries[1].value == "md5 ; no comment");
  CHECK(entries[2].value == "");
  CHECK(entries[3].section == "databases");
  CHECK(entries[3].key == "*");
  CHECK(entries[3].value == "host=h # neither");
}

TEST_CASE("a name with other characters stands in quotes") {
  const auto entries = read("[databases]\n\"a \"\"b\"\" = c\" = host=h\n'd \"e' = host=i\n");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].key == "a \"b\" = c");
  CHECK(entries[1].key == "d \"e");
}

TEST_CASE("files include others, in their place") {
  const TemporaryFolder folder;
  const std::string inner = folder.write("inner.ini", "b = 2\n[databases]\nd = host=h\n");
  const auto entries = read_pgbouncer_file(
      folder.write("outer.ini", "[pgbouncer]\na = 1\n%include " + inner + "  \ne = host=i\n"));
  REQUIRE(entries.size() == 4);
  CHECK(entries[1].key == "b");
  CHECK(entries[1].section == "pgbouncer");
  CHECK(entries[3].key == "e");
  CHECK(entries[3].section == "databases");
}

TEST_CASE("a file that includes itself comes to an end") {
  const TemporaryFolder folder;
  const std::string path = folder.path("circle.ini");
  folder.write("circle.ini", "%include " + path + "\n");
  CHECK_THROWS_AS(read_pgbouncer_file(path), PgBouncerFileError);
}

TEST_CASE("what PgBouncer would refuse is refused, with its line and without its values") {
  CHECK(error_of("[pgbouncer]\n\nnonsense hunter2\n").ends_with("pgbouncer.ini:3: is not key = value"));
  CHECK(error_of("[pgbouncer\n").ends_with(":1: has a [ without ]"));
  CHECK(error_of("\"name = host=h\n").ends_with("quote isn't closed"));
  CHECK(error_of("two words = 1\n").ends_with("is not key = value"));
  CHECK(error_of("= 1\n").ends_with("is not key = value"));
  CHECK(error_of("%include\n").ends_with("is not %include FILE"));
  CHECK(error_of("%include /nowhere/at/all\n").find("No such file") != std::string::npos);
  CHECK_THROWS_AS(read_pgbouncer_file("/nowhere/at/all"), PgBouncerFileError);
}

TEST_CASE("a connection string is pairs, with quotes that are doubled inside") {
  const auto pairs =
      parse_connection_pairs("  host=h  port = 5432 dbname='two words' password='it''s' x=a'b ");
  REQUIRE(pairs.size() == 5);
  CHECK(pairs[0] == std::pair<std::string, std::string>("host", "h"));
  CHECK(pairs[1].second == "5432");
  CHECK(pairs[2].second == "two words");
  CHECK(pairs[3].second == "it's");
  CHECK(pairs[4].second == "a'b");
  CHECK(parse_connection_pairs("   ").empty());
}

TEST_CASE("a connection string that PgBouncer would refuse is refused") {
  CHECK(pairs_error("host") == "has a word without =");
  CHECK(pairs_error("=h") == "has a word without =");
  CHECK(pairs_error("host=") == "has an empty value");
  CHECK(pairs_error("host=''") == "has an empty value");
  CHECK(pairs_error("host='h") == "has a value whose quote isn't closed");
}
