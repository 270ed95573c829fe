#include "tests/neon/rules/spread.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

std::vector<double> sample(std::string_view text) {
  const auto spread = parse_spread(text);
  REQUIRE(spread);
  Dice dice(7);
  std::vector<double> values(10'000);
  for (double& value : values) value = spread->sample(dice);
  std::sort(values.begin(), values.end());
  return values;
}

TEST_CASE("a number is always itself") {
  const auto values = sample("350");
  CHECK(values.front() == 350);
  CHECK(values.back() == 350);
}

TEST_CASE("a range is used from end to end") {
  const auto values = sample("300..1500");
  CHECK(values.front() >= 300);
  CHECK(values.front() < 310);
  CHECK(values.back() <= 1500);
  CHECK(values.back() > 1490);
}

TEST_CASE("a lognormal has its median and its 99th percentile") {
  const auto values = sample("lognormal:350:1200");
  CHECK(values[5000] == doctest::Approx(350).epsilon(0.05));
  CHECK(values[9900] == doctest::Approx(1200).epsilon(0.1));
}

TEST_CASE("nonsense is no quantity") {
  for (const char* text :
       {"", "x", "-1", "1..", "5..1", "lognormal:0:1", "lognormal:5", "nan", "inf", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_spread(text));
  }
}

TEST_CASE("what was parsed is written the same") {
  for (const char* text : {"0", "12.5", "300..1500", "lognormal:350:1200"})
    CHECK(format_spread(*parse_spread(text)) == text);
}

}  // namespace
}  // namespace ballast::neon
