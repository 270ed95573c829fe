// The rows of each table of the console, by the files that make them. For console_tables.cpp and its
// neighbours.
#pragma once

#include <chrono>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/app/console_figures.hpp"
#include "proxy/app/console_table.hpp"
#include "proxy/app/console_tables.hpp"

namespace ballast {

using Rows = std::vector<Row>;

template <std::integral T>
Cell number(T value) {
  return std::to_string(value);
}
inline Cell text(std::string_view value) { return std::string(value); }
inline const Cell null;

// "2026-11-21 15:43:39 UTC"
Cell time_text(const ConsoleFigures& figures, TimePoint time);

// console_pools.cpp
Rows pool_rows(const ConsoleFigures& figures);
Rows database_rows(const ConsoleFigures& figures, ColumnNames names);
Rows user_rows(const ConsoleFigures& figures);
Rows list_rows(const ConsoleFigures& figures);
Rows memory_rows(const ConsoleFigures& figures);
Rows host_rows(const ConsoleFigures& figures);
Rows state_rows(const ConsoleFigures& figures);
Rows upstream_rows(const ConsoleFigures& figures);

// console_statistics.cpp
Rows statistics_rows(const ConsoleFigures& figures, Show show, ColumnNames names);
Rows total_rows(const ConsoleFigures& figures);
Rows latency_rows(const ConsoleFigures& figures);

// console_sockets.cpp
Rows client_rows(const ConsoleFigures& figures);
Rows server_rows(const ConsoleFigures& figures);
Rows socket_rows(const ConsoleFigures& figures, Show show);
Rows descriptor_rows(const ConsoleFigures& figures);
Rows pin_rows(const ConsoleFigures& figures);
Rows prepared_rows(const ConsoleFigures& figures);

// console_settings.cpp
Rows config_rows(const ConsoleFigures& figures);
Rows setting_rows(const ConsoleFigures& figures);

}  // namespace ballast
