#include "proxy/app/console_table.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocol/writer.hpp"

namespace ballast {

namespace {

struct WireType {
  std::int32_t oid;
  std::int16_t size;
};

// pg_type.dat
WireType wire_type(ColumnType type) {
  switch (type) {
    case ColumnType::text:
      break;
    case ColumnType::int4:
      return {23, 4};
    case ColumnType::int8:
      return {20, 8};
    case ColumnType::numeric:
      return {1700, -1};
  }
  return {25, -1};
}

std::int64_t number_of(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string big_endian(std::int64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = size; i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number & 0xff);
  return bytes;
}

// A whole number that is not negative, as numeric_send() has it: how many digits of base 10000 there are, the
// weight of the first, the sign, the scale, the digits without zeros at the end.
std::string binary_numeric(std::string_view text) {
  constexpr std::size_t digit_size = 4;
  std::vector<std::int64_t> digits;
  for (std::size_t left = text.size(); left > 0;) {
    const std::size_t size = std::min(left, digit_size);
    left -= size;
    digits.insert(digits.begin(), number_of(text.substr(left, size)));
  }
  digits.erase(digits.begin(), std::find_if(digits.begin(), digits.end(), [](auto one) { return one != 0; }));
  const std::size_t weight = digits.empty() ? 0 : digits.size() - 1;
  while (!digits.empty() && digits.back() == 0) digits.pop_back();
  std::string bytes = big_endian(static_cast<std::int64_t>(digits.size()), 2) +
                      big_endian(static_cast<std::int64_t>(weight), 2) + big_endian(0, 2) + big_endian(0, 2);
  for (const std::int64_t digit : digits) bytes += big_endian(digit, 2);
  return bytes;
}

std::string binary(ColumnType type, const std::string& text) {
  switch (type) {
    case ColumnType::text:
      break;
    case ColumnType::int4:
      return big_endian(std::clamp<std::int64_t>(number_of(text), std::numeric_limits<std::int32_t>::min(),
                                                 std::numeric_limits<std::int32_t>::max()),
                        4);
    case ColumnType::int8:
      return big_endian(number_of(text), 8);
    case ColumnType::numeric:
      return binary_numeric(text);
  }
  return text;
}

}  // namespace

ValueFormat ResultFormats::of(std::size_t column) const {
  if (formats_.empty()) return ValueFormat::text;
  return formats_.size() == 1 ? formats_.front() : formats_[column];
}

void write_row_description(std::string& out, std::span<const Column> columns, const ResultFormats& formats) {
  MessageWriter message(out, BackendType::row_description);
  message.int16(static_cast<std::int16_t>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const WireType type = wire_type(columns[i].type);
    message.cstring(columns[i].name).int32(0).int16(0);  // of no table
    message.int32(type.oid).int16(type.size).int32(-1).int16(static_cast<std::int16_t>(formats.of(i)));
  }
}

void write_data_row(std::string& out, std::span<const Column> columns, const Row& row,
                    const ResultFormats& formats) {
  MessageWriter message(out, BackendType::data_row);
  message.int16(static_cast<std::int16_t>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Cell& cell = row[i];
    if (!cell) {
      message.int32(-1);
      continue;
    }
    const std::string value = formats.of(i) == ValueFormat::text ? *cell : binary(columns[i].type, *cell);
    message.int32(static_cast<std::int32_t>(value.size())).bytes(value);
  }
}

}  // namespace ballast
