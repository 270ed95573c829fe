#include "proxy/app/top_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "proxy/base/printable.hpp"

namespace ballast {
namespace {

using Cells = std::vector<std::string>;

std::string decimal(double number, int decimals) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return std::string(text.data(), static_cast<std::size_t>(std::clamp(length, 0, 63)));
}

std::string whole(double number) { return decimal(number, 0); }

// In milliseconds, with three digits.
std::string time_ms(double seconds) {
  if (seconds < 0) return "-";
  const double ms = seconds * 1000;
  return decimal(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

std::string age(double seconds) {
  const auto minutes = static_cast<long>(seconds) / 60;
  if (minutes < 1) return whole(std::floor(seconds)) + " s";
  if (minutes < 60) return std::to_string(minutes) + " min";
  if (minutes < 48 * 60) return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
  return std::to_string(minutes / 60 / 24) + " days";
}

bool is_first_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }  // of a UTF-8 character

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, is_first_byte));
}

std::string_view cut(std::string_view text, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_first_byte(text[i]) && seen++ == columns) return text.substr(0, i);
  }
  return text;
}

std::string named(const std::string& name) {
  constexpr std::size_t columns_max = 24;
  const std::string shown = printable(name);
  return width_of(shown) <= columns_max ? shown : std::string(cut(shown, columns_max - 1)) + "~";
}

std::string percentiles(const Percentiles& times) {
  return time_ms(times[0]) + " / " + time_ms(times[1]) + " / " + time_ms(times[2]) + " ms";
}

std::string keepalive_text(const TopFigures& figures) {
  std::string text = "keepalive " + whole(figures.keepalive_pings) + " pings, " +
                     whole(figures.keepalive_connects) + " connects";
  if (figures.keepalive_spent_cu_hours < 0) return text;
  text += ", " + decimal(figures.keepalive_spent_cu_hours, 2);
  if (figures.keepalive_budget_cu_hours > 0) text += " of " + decimal(figures.keepalive_budget_cu_hours, 0);
  return text + " CU hours";
}

std::vector<std::string> head(const TopFigures& figures, std::string_view place) {
  return {
      "ballast " + printable(figures.version) + " at " + std::string(place) + ", up " +
          age(figures.uptime_s) + "   database " + printable(figures.upstream) + "   CPU " +
          whole(figures.cpu_part * 100) + "%   memory " + whole(figures.resident_bytes / 1e6) + " MB",
      "clients " + whole(figures.clients) + " of " + whole(figures.max_clients) + "   transactions " +
          decimal(figures.transactions_per_s, 1) + "/s   request p50 / p95 / p99 " +
          percentiles(figures.request) + "   wait " + percentiles(figures.wait),
      "failed logins " + whole(figures.login_failures) + "   failed connects " +
          whole(figures.connect_failures) + "   servers lost " + whole(figures.servers_lost) +
          "   timeouts " + whole(figures.timeouts) + "   limits " + whole(figures.limit_hits) + "   shed " +
          whole(figures.shed) + " (" + decimal(figures.shed_per_s, 1) + "/s)   " + keepalive_text(figures),
      "",
  };
}

Cells row_of(const TopPool& pool) {
  return {named(pool.database),
          named(pool.user),
          whole(pool.clients),
          whole(pool.clients_waiting),
          time_ms(pool.oldest_wait_s) + (pool.is_overloaded ? "!" : ""),
          whole(pool.servers_active),
          whole(pool.servers_idle),
          whole(pool.servers_settling),
          whole(pool.servers_connecting),
          whole(pool.size),
          decimal(pool.transactions_per_s, 1),
          time_ms(pool.request[0]),
          time_ms(pool.request[1]),
          time_ms(pool.request[2]),
          time_ms(pool.wait[0]),
          time_ms(pool.wait[1]),
          time_ms(pool.wait[2])};
}

// Two columns of names to the left, numbers to the right.
std::vector<std::string> aligned(const std::vector<Cells>& rows) {
  constexpr std::size_t names = 2;
  std::vector<std::size_t> widths(rows.front().size());
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::vector<std::string> lines;
  for (const Cells& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (i < names ? row[i] + padding : padding + row[i]);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::string top_text(const TopFigures& figures, std::string_view place, Room room) {
  std::vector<Cells> rows{{"DATABASE", "USER", "CLIENTS", "WAITING", "OLDEST", "ACTIVE", "IDLE", "SETTLING",
                           "CONNECTING", "SIZE", "TX/S", "REQ50", "REQ95", "REQ99", "WAIT50", "WAIT95",
                           "WAIT99"}};
  for (const TopPool& pool : figures.pools) rows.push_back(row_of(pool));
  std::vector<std::string> lines = head(figures, place);
  std::ranges::move(aligned(rows), std::back_inserter(lines));
  if (lines.size() > room.rows && room.rows > 0) {
    const std::size_t hidden = lines.size() - room.rows + 1;
    lines.resize(room.rows - 1);
    lines.push_back("... and " + std::to_string(hidden) + " more");
  }
  std::string text;
  for (const std::string& line : lines) text += std::string(cut(line, room.columns)) + "\n";
  return text;
}

}  // namespace ballast
