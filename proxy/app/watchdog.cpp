#include "proxy/app/watchdog.hpp"

#include <algorithm>
#include <string>

#include "proxy/base/log.hpp"

namespace ballast {

Watchdog::Watchdog(boost::asio::io_context& control, const Household& household, ServiceNotice& notice)
    : household_(household), notice_(notice), timer_(control) {}

void Watchdog::start() {
  if (notice_.watchdog().count() > 0) look();
}

void Watchdog::look() {
  Duration latest{};
  for (const auto& worker : household_.workers) latest = std::max(latest, worker->overdue());
  if (latest < notice_.watchdog() / 2) {
    notice_.alive();
  } else {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(latest);
    log::error("watchdog", "a worker has not turned for " + std::to_string(seconds.count()) + " s");
  }
  timer_.expires_after(notice_.watchdog() / 4);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

}  // namespace ballast
