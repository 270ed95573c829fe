// The tables of SHOW: PgBouncer 1.25's, column by column (its src/admin.c and src/stats.c), and our own. What
// has no equal here has its neutral value: 0, or nothing. Pure: figures in, rows out.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/app/console_command.hpp"
#include "proxy/app/console_figures.hpp"
#include "proxy/app/console_table.hpp"

namespace ballast {

// Two columns had other names before PgBouncer 1.8 (total_requests in STATS) and 1.24 (reserve_pool in
// DATABASES). With `present_and_former` they come behind the others once more.
enum class ColumnNames : std::uint8_t { present, present_and_former };

// Empty: it answers no table.
std::vector<Column> columns_of(Show show, ColumnNames names);
std::vector<Column> columns_of(const ConsoleCommand& command, ColumnNames names);
ConsoleTable table_of(Show show, ColumnNames names, const ConsoleFigures& figures);
// "SHOW HELP|...", for HELP.
std::string help_of_console();

// How much of the figures it needs: each more than the one before. Users come with the servers.
enum class Depth : std::uint8_t { none, pools, servers, clients, statements };
Depth depth_of(Show show);

}  // namespace ballast
