// ConsoleTable: what a SHOW answers, and how it is put on the wire: RowDescription and DataRow, each column
// as text or binary (manual, "Message Formats"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ballast {

enum class ColumnType : std::uint8_t { text, int4, int8, numeric };

struct Column {
  std::string_view name;
  ColumnType type = ColumnType::text;
};

// As text, whatever the column's type; nullopt is NULL.
using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

struct ConsoleTable {
  std::vector<Column> columns;
  std::vector<Row> rows;
};

enum class ValueFormat : std::int16_t { text = 0, binary = 1 };

// The formats that a Bind asks for: none is text for all, one is for all, else one for each column.
class ResultFormats {
 public:
  ResultFormats() = default;
  explicit ResultFormats(std::vector<ValueFormat> formats) : formats_(std::move(formats)) {}

  bool suits(std::size_t columns) const { return formats_.size() <= 1 || formats_.size() == columns; }
  ValueFormat of(std::size_t column) const;

 private:
  std::vector<ValueFormat> formats_;
};

void write_row_description(std::string& out, std::span<const Column> columns, const ResultFormats& formats);
void write_data_row(std::string& out, std::span<const Column> columns, const Row& row,
                    const ResultFormats& formats);

}  // namespace ballast
