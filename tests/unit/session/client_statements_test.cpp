#include "proxy/session/client_statements.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

struct Setup {
  StatementTable table;
  ClientStatements statements;

  void define(const std::string& name, const std::string& text) {
    statements.define(name, {table.intern(text), 1});
  }
  // The text that the client has under a name; empty: none.
  std::string text(const std::string& name) const {
    const ClientStatements::Held* const held = statements.find(name);
    return held == nullptr ? "" : std::string(held->statement->definition());
  }
};

}  // namespace

TEST_CASE("a name is there from its Parse on, and decided by its answer") {
  Setup setup;
  CHECK(setup.text("a").empty());
  setup.define("a", "one");
  CHECK(setup.text("a") == "one");
  CHECK(setup.statements.is_undecided("a"));
  CHECK_FALSE(setup.statements.is_undecided("b"));
  setup.statements.answered();
  CHECK(setup.text("a") == "one");
  CHECK_FALSE(setup.statements.is_undecided("a"));
  CHECK(setup.statements.size() == 1);
}

TEST_CASE("a Parse that failed is undone [5.2-36]") {
  Setup setup;
  setup.define("a", "one");
  setup.statements.discarded();
  CHECK(setup.text("a").empty());
  CHECK(setup.statements.size() == 0);
}

TEST_CASE("a Close that was skipped is undone [5.2-37]") {
  Setup setup;
  setup.define("a", "one");
  setup.statements.answered();
  setup.statements.close("a");
  CHECK(setup.text("a").empty());
  setup.statements.discarded();
  CHECK(setup.text("a") == "one");
}

TEST_CASE("changes of one name are undone in any mix of ends [5.2-37]") {
  // Close a, Parse a: what is left for each end of the two.
  struct Row {
    bool first_ok;
    bool second_ok;
    std::string left;
  };
  for (const Row& row :
       {Row{true, true, "new"}, Row{true, false, ""}, Row{false, true, "new"}, Row{false, false, "old"}}) {
    Setup setup;
    setup.define("a", "old");
    setup.statements.answered();
    setup.statements.close("a");
    setup.define("a", "new");
    row.first_ok ? setup.statements.answered() : setup.statements.discarded();
    CHECK(setup.text("a") == "new");
    row.second_ok ? setup.statements.answered() : setup.statements.discarded();
    CHECK(setup.text("a") == row.left);
    CHECK_FALSE(setup.statements.is_undecided("a"));
  }
}

TEST_CASE("three changes of one name, all skipped, leave what was before them") {
  Setup setup;
  setup.define("a", "old");
  setup.statements.answered();
  setup.statements.close("a");
  setup.define("a", "new");
  setup.statements.close("a");
  for (int i = 0; i < 3; ++i) setup.statements.discarded();
  CHECK(setup.text("a") == "old");
}

TEST_CASE("changes of several names do not touch each other") {
  Setup setup;
  setup.define("a", "one");
  setup.define("b", "two");
  setup.define("c", "three");
  setup.statements.answered();
  setup.statements.discarded();
  CHECK(setup.text("a") == "one");
  CHECK(setup.text("b").empty());
  CHECK(setup.text("c") == "three");
  CHECK(setup.statements.is_undecided("c"));
}

TEST_CASE("DEALLOCATE ALL forgets everything, also what a later failure would bring back [5.2-50]") {
  Setup setup;
  setup.define("a", "one");
  setup.statements.answered();
  setup.define("b", "two");
  setup.statements.answered();
  setup.statements.close("a");
  setup.statements.clear();
  CHECK(setup.statements.size() == 0);
  setup.statements.discarded();
  CHECK(setup.statements.size() == 0);
}

TEST_CASE("a Parse sent behind a DEALLOCATE ALL, and undecided when that is done, is kept [5.2-50]") {
  Setup setup;
  setup.define("a", "old");
  setup.statements.answered();
  setup.define("b", "new");  // behind the DEALLOCATE ALL in the same pipe
  setup.statements.clear();
  setup.statements.answered();
  CHECK(setup.text("a").empty());
  CHECK(setup.text("b") == "new");
}

TEST_CASE("two names may hold the same statement; each definition is known by a number of its own") {
  StatementTable table;
  ClientStatements statements;
  const StatementRef same = table.intern("same");
  const std::uint32_t a = statements.define("a", {same, 1});
  const std::uint32_t b = statements.define("b", {same, 1});
  CHECK(a != b);
  CHECK(a != 0);
  CHECK(statements.find("a")->statement == statements.find("b")->statement);
  CHECK(statements.name_of(a) == "a");
  CHECK(statements.name_of(b) == "b");
  CHECK(statements.name_of(b + 1000).empty());
  statements.close("a");
  for (int i = 0; i < 3; ++i) statements.answered();
  CHECK(statements.name_of(a).empty());
  CHECK(statements.define("a", {same, 1}) != a);
}

TEST_CASE("the unnamed statement begins as none") {
  ClientStatements statements;
  CHECK(statements.unnamed().tag == 0);
  CHECK_FALSE(statements.is_unnamed_undecided());
}

TEST_CASE(
    "an unnamed Parse that is answered stands; one that fails leaves none; one that is skipped the former "
    "[5.2-49]") {
  ClientStatements statements;
  statements.define_unnamed(1, "first");
  CHECK(statements.is_unnamed_undecided());
  statements.unnamed_answered();
  CHECK_FALSE(statements.is_unnamed_undecided());
  statements.define_unnamed(2, "second");
  CHECK(statements.unnamed().definition == "second");
  statements.unnamed_skipped();
  CHECK(statements.unnamed().tag == 1);
  CHECK(statements.unnamed().definition == "first");
  statements.define_unnamed(3, "third");
  statements.unnamed_failed();
  CHECK(statements.unnamed().tag == 0);
}

TEST_CASE("changes of the unnamed statement settle in their order, whatever was sent behind them [5.2-49]") {
  ClientStatements statements;
  statements.define_unnamed(1, "first");
  statements.define_unnamed(2, "second");
  statements.end_unnamed();
  CHECK(statements.unnamed().tag == 0);
  statements.unnamed_answered();
  statements.unnamed_skipped();
  statements.unnamed_skipped();
  CHECK(statements.unnamed().tag == 1);
  statements.define_unnamed(4, "fourth");
  statements.end_unnamed();
  statements.unnamed_skipped();
  statements.unnamed_answered();
  CHECK(statements.unnamed().tag == 0);
  CHECK_FALSE(statements.is_unnamed_undecided());
}

}  // namespace ballast
