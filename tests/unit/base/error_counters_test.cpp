#include "proxy/base/error_counters.hpp"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

namespace ballast {
namespace {

std::uint64_t counted(const ErrorCounters& errors, ErrorCounters::Source source, std::string_view name) {
  const auto* const found = std::find(ErrorCounters::classes.begin(), ErrorCounters::classes.end(), name);
  REQUIRE(found != ErrorCounters::classes.end());
  return errors.value(source, static_cast<std::size_t>(found - ErrorCounters::classes.begin()));
}

}  // namespace

TEST_CASE("an error counts for its class and for who made it") {
  ErrorCounters errors;
  errors.note(ErrorCounters::Source::server, "22012");
  errors.note(ErrorCounters::Source::server, "22P02");
  errors.note(ErrorCounters::Source::ballast, "53300");
  CHECK(counted(errors, ErrorCounters::Source::server, "22") == 2);
  CHECK(counted(errors, ErrorCounters::Source::ballast, "22") == 0);
  CHECK(counted(errors, ErrorCounters::Source::ballast, "53") == 1);
}

TEST_CASE("classes that PostgreSQL does not have are one, so that nobody makes labels") {
  ErrorCounters errors;
  for (const char* const made_up : {"ZZ001", "", "5", "99", "other"})
    errors.note(ErrorCounters::Source::server, made_up);
  CHECK(counted(errors, ErrorCounters::Source::server, "other") == 5);
}

TEST_CASE("each class is there once") {
  const std::set<std::string_view> all(ErrorCounters::classes.begin(), ErrorCounters::classes.end());
  CHECK(all.size() == ErrorCounters::classes.size());
  CHECK_FALSE(all.contains(""));
}

}  // namespace ballast
