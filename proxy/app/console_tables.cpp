#include "proxy/app/console_tables.hpp"

#include <array>
#include <ctime>
#include <utility>

#include "proxy/app/console_rows.hpp"

namespace ballast {

namespace {

Rows rows_of(Show show, ColumnNames names, const ConsoleFigures& figures) {
  switch (show) {
    case Show::active_sockets:
    case Show::sockets:
      return socket_rows(figures, show);
    case Show::clients:
      return client_rows(figures);
    case Show::config:
      return config_rows(figures);
    case Show::databases:
      return database_rows(figures, names);
    case Show::dns_hosts:
      return host_rows(figures);
    case Show::dns_zones:
    case Show::peer_pools:
    case Show::peers:
    case Show::help:
      return {};
    case Show::fds:
      return descriptor_rows(figures);
    case Show::lists:
      return list_rows(figures);
    case Show::mem:
      return memory_rows(figures);
    case Show::pools:
      return pool_rows(figures);
    case Show::servers:
      return server_rows(figures);
    case Show::state:
      return state_rows(figures);
    case Show::stats:
    case Show::stats_averages:
    case Show::stats_totals:
      return statistics_rows(figures, show, names);
    case Show::totals:
      return total_rows(figures);
    case Show::users:
      return user_rows(figures);
    case Show::version:
      return {{text("Ballast " BALLAST_VERSION)}};
    case Show::latency:
      return latency_rows(figures);
    case Show::pins:
      return pin_rows(figures);
    case Show::prepared:
      return prepared_rows(figures);
    case Show::settings:
      return setting_rows(figures);
    case Show::upstream:
      return upstream_rows(figures);
  }
  return {};
}

}  // namespace

Cell time_text(const ConsoleFigures& figures, TimePoint time) {
  using std::chrono::system_clock;
  const auto wall = figures.wall + std::chrono::duration_cast<system_clock::duration>(time - figures.now);
  const std::time_t seconds = system_clock::to_time_t(wall);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> shown{};
  const std::size_t size = std::strftime(shown.data(), shown.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return std::string(shown.data(), size);
}

ConsoleTable table_of(Show show, ColumnNames names, const ConsoleFigures& figures) {
  return {columns_of(show, names), rows_of(show, names, figures)};
}

std::string help_of_console() {
  std::string shows;
  for (const std::string_view name : show_names()) shows += (shows.empty() ? "" : "|") + std::string(name);
  return "\n\tSHOW " + shows +
         "\n\tSET key = arg"
         "\n\tRELOAD"
         "\n\tPAUSE [<db>]"
         "\n\tRESUME [<db>]"
         "\n\tDISABLE <db>"
         "\n\tENABLE <db>"
         "\n\tRECONNECT [<db>]"
         "\n\tKILL [<db>]"
         "\n\tKILL_CLIENT <client_id>"
         "\n\tSUSPEND"
         "\n\tSHUTDOWN"
         "\n\tSHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS"
         "\n\tWAIT_CLOSE [<db>]";
}

Depth depth_of(Show show) {
  switch (show) {
    case Show::config:
    case Show::dns_zones:
    case Show::help:
    case Show::peer_pools:
    case Show::peers:
    case Show::settings:
    case Show::state:
    case Show::version:
      return Depth::none;
    case Show::databases:
    case Show::latency:
    case Show::stats:
    case Show::stats_averages:
    case Show::stats_totals:
    case Show::totals:
    case Show::upstream:
      return Depth::pools;
    case Show::dns_hosts:
    case Show::pools:
    case Show::users:
      return Depth::servers;
    case Show::prepared:
      return Depth::statements;
    case Show::active_sockets:
    case Show::clients:
    case Show::fds:
    case Show::lists:
    case Show::mem:
    case Show::pins:
    case Show::servers:
    case Show::sockets:
      break;
  }
  return Depth::clients;
}

}  // namespace ballast
