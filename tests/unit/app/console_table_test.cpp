#include "proxy/app/console_table.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;

std::string cell(ColumnType type, const std::string& text, ValueFormat format) {
  const std::vector<Column> columns{{"x", type}};
  std::string out;
  write_data_row(out, columns, {text}, ResultFormats({format}));
  return out.substr(5 + 2 + 4);  // type, length, count of columns, size of the value
}

}  // namespace

TEST_CASE("columns are described by name, type and format") {
  const std::vector<Column> columns{{"a", ColumnType::text}, {"bc", ColumnType::int4}};
  std::string out;
  write_row_description(out, columns, ResultFormats({ValueFormat::binary}));
  const std::string body =
      "\0\2"s                                                   //
      "a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\1"s  // oid 25
      "bc\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\1"s;    // oid 23
  CHECK(out == wire::message('T', body));
}

TEST_CASE("a row has a length for each value, and -1 for NULL") {
  const std::vector<Column> columns{{"a", ColumnType::text}, {"b", ColumnType::int8}};
  std::string out;
  write_data_row(out, columns, {std::nullopt, "42"}, {});
  CHECK(out == wire::message('D', "\0\2\xff\xff\xff\xff\0\0\0\2"s + "42"));
}

TEST_CASE("numbers are binary where that is asked for") {
  CHECK(cell(ColumnType::int4, "-2", ValueFormat::binary) == "\xff\xff\xff\xfe");
  CHECK(cell(ColumnType::int4, "4294967296", ValueFormat::binary) ==
        "\x7f\xff\xff\xff");  // as large as can be
  CHECK(cell(ColumnType::int8, "258", ValueFormat::binary) == "\0\0\0\0\0\0\1\2"s);
  CHECK(cell(ColumnType::text, "258", ValueFormat::binary) == "258");
  CHECK(cell(ColumnType::int8, "258", ValueFormat::text) == "258");
}

TEST_CASE("numeric is binary as PostgreSQL sends it, up to the largest that is counted") {
  const auto numeric = [](const std::string& text) {
    return cell(ColumnType::numeric, text, ValueFormat::binary);
  };
  CHECK(numeric("0") == "\0\0\0\0\0\0\0\0"s);
  CHECK(numeric("7") == "\0\1\0\0\0\0\0\0\0\7"s);
  CHECK(numeric("10000") == "\0\1\0\1\0\0\0\0\0\1"s);  // one digit of weight 1
  CHECK(numeric("10001") == "\0\2\0\1\0\0\0\0\0\1\0\1"s);
  // 1844 6744 0737 0955 1615
  CHECK(numeric("18446744073709551615") == "\0\5\0\4\0\0\0\0\x07\x34\x1a\x58\x02\xe1\x03\xbb\x06\x4f"s);
}

TEST_CASE("formats are one for all columns or one for each") {
  CHECK(ResultFormats().suits(3));
  CHECK(ResultFormats({ValueFormat::binary}).suits(3));
  CHECK(!ResultFormats({ValueFormat::text, ValueFormat::binary}).suits(3));
  const ResultFormats each({ValueFormat::text, ValueFormat::binary});
  CHECK(each.suits(2));
  CHECK(each.of(0) == ValueFormat::text);
  CHECK(each.of(1) == ValueFormat::binary);
  CHECK(ResultFormats({ValueFormat::binary}).of(2) == ValueFormat::binary);
}

}  // namespace ballast
