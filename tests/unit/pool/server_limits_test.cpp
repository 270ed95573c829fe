#include "proxy/pool/server_limits.hpp"

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;
using Row = std::vector<std::optional<std::string>>;

std::string row_of(const Row& values) {
  std::string body = {'\0', static_cast<char>(values.size())};
  for (const auto& value : values)
    body += value ? wire::int32(static_cast<std::int64_t>(value->size())) + *value : wire::int32(-1);
  return body;
}

}  // namespace

TEST_CASE("both reserves of PostgreSQL 16 count, and before that there is one") {
  CHECK(read_limits(row_of({"104", "7", "2"})) == ServerLimits{104, 9});
  CHECK(read_limits(row_of({"100", "3", std::nullopt})) == ServerLimits{100, 3});
}

TEST_CASE("what is no such row says nothing") {
  for (const Row& values : {Row{}, Row{"104", "7"}, Row{"104", "7", "0", "0"}, Row{"x", "7", "0"},
                            Row{"104", "-7", "0"}, Row{"104", "7 ", "0"}, Row{"", "7", "0"},
                            Row{std::nullopt, "7", "0"}, Row{"99999999999", "7", "0"}}) {
    CHECK_FALSE(read_limits(row_of(values)));
  }
}

TEST_CASE("a row that is cut anywhere says nothing") {
  const std::string row = row_of({"104", "7", "0"});
  for (std::size_t size = 0; size < row.size(); ++size) CHECK_FALSE(read_limits(row.substr(0, size)));
  CHECK_FALSE(read_limits(row + "x"));
}

}  // namespace ballast
