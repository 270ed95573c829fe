#include "proxy/app/watchdog.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include <doctest/doctest.h>

#include "proxy/app/live_settings.hpp"
#include "proxy/io/resolver.hpp"

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/notice_reader.hpp"
#include "tests/unit/app/steered.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("systemd hears that we live while every worker turns, and nothing while one is stuck") {
  const TemporaryFolder folder;
  const NoticeReader manager(folder.path("notify"));
  boost::asio::io_context context;
  ServiceNotice notice(context, {{"NOTIFY_SOCKET", folder.path("notify")}, {"WATCHDOG_USEC", "2000000"}});
  Resolver resolver;
  Household household;
  const auto configuration = LiveSettings::configuration(Steered::options().settings);
  for (int i = 0; i < 2; ++i)
    household.workers.push_back(std::make_unique<Worker>(i, household, resolver, configuration));
  for (const auto& worker : household.workers) worker->start();
  Watchdog watchdog(context, household, notice);
  Worker& worker = *household.workers.back();

  std::promise<void> release;
  worker.with([held = release.get_future().share()](PoolSet&, SessionSet&) { held.wait(); });
  CHECK(comes_true([&] { return worker.overdue() > 1s; }));
  watchdog.start();
  CHECK(manager.told() == "");

  release.set_value();
  CHECK(comes_true([&] { return worker.overdue() < 1s; }));
  watchdog.start();
  CHECK(manager.told() == "WATCHDOG=1");
  household.workers.clear();
}

}  // namespace ballast
