#include "proxy/sql/known_functions.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "proxy/sql/harmless_functions.hpp"

namespace ballast {

TEST_CASE("every name of the list is found, and no other") {
  std::string_view rest = harmless_functions;
  while (!rest.empty()) {
    const std::string name(rest.substr(0, rest.find(' ')));
    CAPTURE(name);
    CHECK(function_kind(name) == FunctionKind::harmless);
    CHECK(function_kind(name + "_") == FunctionKind::unknown);
    rest.remove_prefix(name.size() + 1);
  }
  CHECK(function_kind("") == FunctionKind::unknown);
  CHECK(function_kind("my_function") == FunctionKind::unknown);
}

TEST_CASE("functions that leave something are told apart") {
  CHECK(function_kind("set_config") == FunctionKind::set_config);
  CHECK(function_kind("current_setting") == FunctionKind::current_setting);
  CHECK(function_kind("pg_try_advisory_lock_shared") == FunctionKind::advisory_lock);
  CHECK(function_kind("pg_advisory_xact_lock") == FunctionKind::harmless);
  CHECK(function_kind("nextval") == FunctionKind::sequence_use);
  CHECK(function_kind("lastval") == FunctionKind::sequence_read);
  CHECK(function_kind("database_to_xml") == FunctionKind::runs_text);
  CHECK(function_kind("SetSeed") == FunctionKind::random_seed);
  CHECK(function_kind("VALUES") == FunctionKind::syntax);
}

}  // namespace ballast
