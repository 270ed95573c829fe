#include "proxy/pool/function_table.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

// The functions of one call that an audit is to judge.
FunctionNames asked(FunctionTable& table, const FunctionNames& called, std::uint64_t epoch = 1) {
  FunctionNames names;
  const bool needs_audit = table.needs_audit(called, epoch, names);
  CHECK(needs_audit == !names.empty());
  return names;
}
void prove(FunctionTable& table, const FunctionNames& names) {
  for (int i = 0; i < FunctionTable::audits_to_trust; ++i) table.found_clean(names);
}
const FunctionNames none;

}  // namespace

TEST_CASE("a function is asked about until ten audits have found nothing") {
  FunctionTable table;
  for (int i = 0; i < 10; ++i) {
    CHECK(asked(table, {"f"}) == FunctionNames{"f"});
    table.found_clean({"f"});
  }
  CHECK(asked(table, {"f"}) == none);
}

TEST_CASE("of a trusted function's calls one of 64 is asked about") {
  FunctionTable table;
  asked(table, {"f"});
  prove(table, {"f"});
  for (int call = 1; call <= 200; ++call) {
    CAPTURE(call);
    CHECK(asked(table, {"f"}).size() == (call % 64 == 0 ? 1 : 0));
  }
}

TEST_CASE("of a statement's functions those are judged that are not trusted, each once") {
  FunctionTable table;
  asked(table, {"good"});
  prove(table, {"good"});
  FunctionNames names;
  CHECK_FALSE(table.needs_audit({}, 1, names));
  CHECK(table.needs_audit({"good", "f"}, 1, names));
  CHECK(table.needs_audit({"f", "g"}, 1, names));
  CHECK_FALSE(table.needs_audit({"good"}, 1, names));
  CHECK(names == FunctionNames{"f", "g"});
}

TEST_CASE("a find makes a function start over, and is told if it had been trusted, once") {
  FunctionTable table;
  asked(table, {"f"});
  for (int i = 0; i < 9; ++i) table.found_clean({"f"});
  CHECK(table.found_dirty({"f"}) == none);
  table.found_clean({"f"});
  CHECK(asked(table, {"f"}) == FunctionNames{"f"});
  prove(table, {"f"});
  CHECK(asked(table, {"f"}) == none);
  CHECK(table.found_dirty({"f"}) == FunctionNames{"f"});
  CHECK(asked(table, {"f"}) == FunctionNames{"f"});
  CHECK(table.found_dirty({"f"}) == none);
  prove(table, {"f"});
  CHECK(asked(table, {"f"}) == none);
  CHECK(table.found_dirty({"f"}) == none);
  CHECK(asked(table, {"f"}) == FunctionNames{"f"});
}

TEST_CASE("a find is put down to those that are not trusted, and to all if all are") {
  FunctionTable table;
  asked(table, {"f"});
  prove(table, {"f", "g"});
  CHECK(table.found_dirty({"f", "new", "g"}) == none);
  CHECK(asked(table, {"f", "g"}) == none);
  CHECK(table.found_dirty({"f", "g"}) == FunctionNames{"f", "g"});
  CHECK(asked(table, {"f", "g"}) == FunctionNames{"f", "g"});
}

TEST_CASE("a find about nobody is no matter") {
  FunctionTable table;
  CHECK(table.found_dirty({}) == none);
  CHECK(table.found_dirty({"f"}) == none);
  CHECK(table.size() == 0);
}

TEST_CASE("a change of the schema makes all start over") {
  FunctionTable table;
  asked(table, {"f"});
  prove(table, {"f"});
  CHECK(asked(table, {"f"}, 1) == none);
  CHECK(asked(table, {"f"}, 2) == FunctionNames{"f"});
  CHECK(table.size() == 0);
  prove(table, {"f"});
  CHECK(asked(table, {"f"}, 2) == none);
}

TEST_CASE("names are bounded: new ones make room by those that are not trusted, else are never trusted") {
  FunctionTable table;
  FunctionNames many;
  for (std::size_t i = 1; i < FunctionTable::names_max; ++i) many.push_back("f" + std::to_string(i));
  asked(table, many);
  prove(table, many);
  table.found_clean({"once"});
  CHECK(table.size() == FunctionTable::names_max);
  prove(table, {"new"});
  CHECK(table.size() == FunctionTable::names_max);
  CHECK(asked(table, {"new"}) == none);
  prove(table, {"one too many"});
  CHECK(table.size() == FunctionTable::names_max);
  CHECK(asked(table, {"one too many"}) == FunctionNames{"one too many"});
  CHECK(asked(table, {"f1"}) == none);
}

}  // namespace ballast
