#include "proxy/pool/statement_table.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {

using namespace std::string_literals;

TEST_CASE("the same text and types are one statement, whoever holds it") {
  StatementTable table;
  const std::string definition = "SELECT $1\0\0\1\0\0\0\x17"s;
  const StatementRef first = table.intern(definition);
  const StatementRef second = table.intern(std::string(definition));
  CHECK(first == second);
  CHECK(first->definition() == definition);
  CHECK(table.size() == 1);
}

TEST_CASE("a visit sees each statement, and how many hold it") {
  StatementTable table;
  const StatementRef first = table.intern("a");
  const StatementRef again = first;
  table.intern("b");
  std::string seen;
  table.visit([&seen](const Statement& statement, std::size_t holders) {
    seen += std::string(statement.definition()) + std::to_string(holders);
  });
  CHECK((seen == "a2b0" || seen == "b0a2"));
}

TEST_CASE("other parameter types, or a text that differs in one byte, are another statement [5.2-46]") {
  StatementTable table;
  const StatementRef text = table.intern("SELECT $1\0\0\1\0\0\0\x19"s);
  const StatementRef number = table.intern("SELECT $1\0\0\1\0\0\0\x17"s);
  const StatementRef none = table.intern("SELECT $1\0\0\0"s);
  const StatementRef spaced = table.intern("SELECT  $1\0\0\0"s);
  CHECK(table.size() == 4);
  CHECK(text->id() != number->id());
  CHECK(none->id() != spaced->id());
}

TEST_CASE("many texts never share a statement, whatever their hashes [5.2-47]") {
  StatementTable table(1'000'000);
  std::vector<StatementRef> all;
  for (int i = 0; i < 20'000; ++i) all.push_back(table.intern("SELECT " + std::to_string(i)));
  CHECK(table.size() == 20'000);
  for (int i = 0; i < 20'000; ++i) {
    const StatementRef& one = all[static_cast<std::size_t>(i)];
    if (one->definition() != "SELECT " + std::to_string(i)) FAIL("statement " << i << " has another's text");
  }
}

TEST_CASE("a sweep forgets what nobody holds, once there is too much of it") {
  StatementTable table(3);
  const StatementRef held = table.intern("held");
  for (const std::string text : {"a", "b"}) table.intern(text);
  table.sweep();
  CHECK(table.size() == 3);  // within the limit: clients that come back find theirs
  table.intern("c");
  table.sweep();
  CHECK(table.size() == 1);
  CHECK(table.intern("held") == held);
}

TEST_CASE("a statement outlives its table's memory of it") {
  StatementTable table(0);
  const StatementRef held = table.intern("held");
  const std::uint64_t other = table.intern("other")->id();
  table.sweep();
  CHECK(held->definition() == "held");
  CHECK(table.intern("other")->id() != other);  // a new number: a server may still have the old one
}

TEST_CASE("numbers are unique across tables and threads") {
  std::vector<std::uint64_t> here;
  std::vector<std::uint64_t> there;
  std::thread other([&there] {
    for (int i = 0; i < 1000; ++i) there.push_back(next_statement_id());
  });
  for (int i = 0; i < 1000; ++i) here.push_back(next_statement_id());
  other.join();
  here.insert(here.end(), there.begin(), there.end());
  std::sort(here.begin(), here.end());
  CHECK(std::adjacent_find(here.begin(), here.end()) == here.end());
  CHECK(here.front() > 0);
}

TEST_CASE("a statement's name on a server is reserved, and nothing else is") {
  CHECK(server_name(17) == "ballast_17");
  CHECK(server_name(~std::uint64_t{0}) == "ballast_18446744073709551615");
  CHECK(is_server_name(server_name(1)));
  CHECK(is_server_name("ballast_"));
  CHECK_FALSE(is_server_name("ballast"));
  CHECK_FALSE(is_server_name("Ballast_1"));
  CHECK_FALSE(is_server_name("my_ballast_1"));
  CHECK_FALSE(is_server_name(""));
}

}  // namespace ballast
