#include "proxy/sql/effect_table.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace ballast {
namespace {

std::string long_text(std::string_view statement, std::size_t number = 0) {
  return std::string(statement) + " /* " + std::string(1000, 'x') + std::to_string(number) + " */";
}

}  // namespace

TEST_CASE("a text without effect has the one plain effect, however it is come by") {
  EffectTable table(1 << 20);
  CHECK(&table.of("SELECT a FROM t WHERE b = 1234567;") == &plain_effect);
  CHECK(&table.of("INSERT INTO t (a) VALUES ('b')") == &plain_effect);
  for (int times = 0; times < 4; ++times) CHECK(&table.of(long_text("SELECT 1")) == &plain_effect);
}

TEST_CASE("a text has the same effect the first time and later") {
  EffectTable table(1 << 20);
  for (const std::string& text :
       {std::string("SET x = 1"), long_text("LISTEN c"), long_text("SELECT f(a.b)")}) {
    CAPTURE(text);
    for (int times = 0; times < 4; ++times) CHECK(table.of(text) == read_effect(text));
  }
}

TEST_CASE("long texts are kept from their second time on, short ones never") {
  EffectTable table(1 << 20);
  table.of("SET x = 1");
  table.of("SET x = 1");
  table.of(long_text("SET x = 1"));
  CHECK(table.bytes() == 0);
  table.of(long_text("SET x = 1"));
  const std::size_t bytes = table.bytes();
  CHECK(bytes > 1000);
  const StatementEffect* const kept = &table.of(long_text("SET x = 1"));
  CHECK(kept == &table.of(long_text("SET x = 1")));
  CHECK(table.bytes() == bytes);
}

TEST_CASE("the table stays within its bytes, and keeps what is used") {
  constexpr std::size_t bytes_max = 64 * 1024;
  EffectTable table(bytes_max);
  const std::string used = long_text("SET used = 1");
  table.of(used);
  table.of(used);
  const StatementEffect* const kept = &table.of(used);
  for (std::size_t number = 0; number < 1000; ++number) {
    const std::string text = long_text("SET x = 1", number);
    table.of(text);
    CHECK(table.of(text) == read_effect(text));
    CHECK(table.bytes() <= bytes_max);
    CHECK(&table.of(used) == kept);
  }
  CHECK(table.bytes() > bytes_max / 4);
}

TEST_CASE("a text that would fill the table is not kept") {
  EffectTable table(1000);
  for (int times = 0; times < 3; ++times)
    CHECK(table.of(long_text("SET x = 1")).residue == Residue::settings);
  CHECK(table.bytes() == 0);
}

}  // namespace ballast
