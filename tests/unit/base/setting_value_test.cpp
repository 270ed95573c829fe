#include "proxy/base/setting_value.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace ballast;

namespace {

constexpr std::array<std::string_view, 3> modes{"session", "transaction", "statement"};
constexpr SettingType number{SettingKind::number, 1, 100, {}};
constexpr SettingType duration{SettingKind::duration, 0, 86'400'000, {}};
constexpr SettingType bytes{SettingKind::bytes, 1024, 1 << 30, {}};
constexpr SettingType octal{SettingKind::octal, 0, 0777, {}};
constexpr SettingType decimal{SettingKind::decimal, 250, 1'000'000, {}};
constexpr SettingType word{SettingKind::word, 0, 0, modes};
constexpr SettingType text{SettingKind::text, 0, 0, {}};
constexpr SettingType secret{SettingKind::secret, 0, 0, {}};

std::string problem(const SettingType& type, std::string_view input) {
  try {
    parse_setting(type, input);
  } catch (const std::invalid_argument& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("durations are seconds, or carry PostgreSQL's units") {
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"0", 0},          {"30", 30'000},    {"0.5", 500},       {".25", 250},   {"500ms", 500},
      {"2min", 120'000}, {"1h", 3'600'000}, {"1d", 86'400'000}, {"1.5s", 1500}, {" 2 min ", 120'000},
      {"1e1", 10'000},   {"0.0015", 2},     {"0.5min", 30'000}, {"0ms", 0}};
  for (const auto& example : cases) {
    const std::string& input = example.first;
    CAPTURE(input);
    CHECK(parse_setting(duration, input).number == example.second);
  }
}

TEST_CASE("what isn't a duration is refused with examples") {
  for (const std::string input : {"", " ", "soon", "5 minutes", "5m", "2MIN", "1,5", "0x10", "5s5", "nan",
                                  "inf", "+5", "--5", "ms", "5 s s"}) {
    CAPTURE(input);
    CHECK(
        problem(duration, input).starts_with("not a duration such as 30, 0.5, 500ms, 2min, 1h; use 0 to 1d"));
  }
  CHECK(problem(duration, "-1") == "too small; use 0 to 1d");
  CHECK(problem(duration, "86400.001") == "too large; use 0 to 1d");
  CHECK(problem(duration, "1e300") == "too large; use 0 to 1d");
  CHECK(problem(duration, "0.0001") == "shorter than 1ms; use 0 to 1d");
}

TEST_CASE("decimals are exact to the thousandth") {
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"0.25", 250}, {"2", 2000}, {"0.250000", 250}, {" 1.5 ", 1500}, {"0.333", 333}, {"1000", 1'000'000}};
  for (const auto& example : cases) {
    const std::string& input = example.first;
    CAPTURE(input);
    CHECK(parse_setting(decimal, input).number == example.second);
  }
  CHECK(setting_text(decimal, {250, ""}) == "0.25");
  CHECK(setting_text(decimal, {1001, ""}) == "1.001");
  CHECK(setting_text(decimal, {2000, ""}) == "2");
  CHECK(setting_text(decimal, {10'500, ""}) == "10.5");
}

TEST_CASE("what isn't a decimal is refused") {
  for (const std::string input : {"", " ", ".5", "5.", ".", "1e3", "+1", "1.-5", "1.5.5", "0,25", "half"}) {
    CAPTURE(input);
    CHECK(problem(decimal, input) == "not a number such as 2 or 0.25; use 0.25 to 1000");
  }
  CHECK(problem(decimal, "0.2501") == "has more than three decimals; use 0.25 to 1000");
  CHECK(problem(decimal, "0.2") == "too small; use 0.25 to 1000");
  CHECK(problem(decimal, "-3") == "too small; use 0.25 to 1000");
  CHECK(problem(decimal, "1000.001") == "too large; use 0.25 to 1000");
  CHECK(problem(decimal, "99999999999999999999") == "too large; use 0.25 to 1000");
}

TEST_CASE("numbers are whole and within their range") {
  CHECK(parse_setting(number, "1").number == 1);
  CHECK(parse_setting(number, "100").number == 100);
  CHECK(parse_setting(number, " 7\n").number == 7);
  CHECK(problem(number, "0") == "too small; use 1 to 100");
  CHECK(problem(number, "101") == "too large; use 1 to 100");
  for (const std::string input : {"", "x", "1.0", "1e2", "0x1", "7 8", "99999999999999999999", "+7"}) {
    CAPTURE(input);
    CHECK(problem(number, input) == "not a whole number; use 1 to 100");
  }
}

TEST_CASE("sizes are bytes, or carry a unit of 1024") {
  CHECK(parse_setting(bytes, "4096").number == 4096);
  CHECK(parse_setting(bytes, "64kB").number == 65536);
  CHECK(parse_setting(bytes, "0.5 MB").number == 524288);
  CHECK(parse_setting(bytes, "1GB").number == 1 << 30);
  CHECK(problem(bytes, "1TB").starts_with("not a size such as 4096, 64kB, 16MB"));
  CHECK(problem(bytes, "1023") == "too small; use 1kB to 1GB");
  CHECK(problem(bytes, "1073741825") == "too large; use 1kB to 1GB");
}

TEST_CASE("file modes are octal, words are exact, text is anything but a zero byte") {
  CHECK(parse_setting(octal, "0770").number == 0770);
  CHECK(parse_setting(octal, "600").number == 0600);
  CHECK(problem(octal, "0800") == "not an octal mode; use 0 to 0777");
  CHECK(problem(octal, "01000") == "too large; use 0 to 0777");
  CHECK(parse_setting(word, "statement").number == 2);
  CHECK(problem(word, "Session") == "not known; use session, transaction or statement");
  CHECK(parse_setting(text, " a b ").text == " a b ");
  CHECK(problem(text, std::string_view("a\0b", 3)) == "holds a zero byte; remove it");
}

TEST_CASE("a shown value reads as the same value") {
  for (const std::string input : {"0", "1ms", "1001ms", "1s", "90s", "2min", "1h", "1d", "86399999ms"}) {
    CHECK(setting_text(duration, parse_setting(duration, input)) == input);
  }
  for (const std::string input : {"1kB", "1025", "16MB", "1GB"}) {
    CHECK(setting_text(bytes, parse_setting(bytes, input)) == input);
  }
  CHECK(setting_text(octal, parse_setting(octal, "0640")) == "0640");
  CHECK(setting_text(word, parse_setting(word, "session")) == "session");
}

TEST_CASE("a secret is never shown") {
  CHECK(setting_text(secret, parse_setting(secret, "hunter2")) == "(hidden)");
  CHECK(setting_text(secret, parse_setting(secret, "")) == "");
}
