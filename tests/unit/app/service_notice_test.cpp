#include "proxy/app/service_notice.hpp"

#include <array>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/notice_reader.hpp"

namespace ballast {

TEST_CASE("systemd is told of each change, one datagram each") {
  const TemporaryFolder folder;
  const NoticeReader manager(folder.path("notify"));
  boost::asio::io_context context;
  ServiceNotice notice(context, {{"NOTIFY_SOCKET", folder.path("notify")}});
  notice.ready();
  CHECK(manager.told() == "READY=1");
  notice.reloading();
  const std::string reloading = manager.told();
  CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(std::stoll(reloading.substr(reloading.rfind('=') + 1)) > 0);
  notice.status("serving 3 clients");
  notice.status("serving 3 clients");
  CHECK(manager.told() == "STATUS=serving 3 clients");
  notice.main_process(12);
  CHECK(manager.told() == "MAINPID=12");
  notice.stopping();
  CHECK(manager.told() == "STOPPING=1");
  CHECK(manager.told() == "");
}

TEST_CASE("the socket may be in the abstract name space") {
  const std::string name = "ballast-test-notice-" + std::to_string(::getpid());
  const NoticeReader manager(std::string(1, '\0') + name);
  boost::asio::io_context context;
  ServiceNotice notice(context, {{"NOTIFY_SOCKET", "@" + name}});
  notice.ready();
  CHECK(manager.told() == "READY=1");
}

TEST_CASE("without a socket, or with one that nobody reads, nothing happens") {
  boost::asio::io_context context;
  ServiceNotice(context, {}).ready();
  ServiceNotice(context, {{"NOTIFY_SOCKET", "/nowhere/at/all"}}).ready();
}

TEST_CASE("a watchdog is for the process that it names") {
  boost::asio::io_context context;
  const std::string here = std::to_string(::getpid());
  const auto watchdog = [&](const Environment& environment) {
    return ServiceNotice(context, environment).watchdog().count();
  };
  CHECK(watchdog({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "30000000"}}) == 30'000'000);
  CHECK(watchdog({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "500000"}, {"WATCHDOG_PID", here}}) == 500'000);
  CHECK(watchdog({{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "500000"}, {"WATCHDOG_PID", "1"}}) == 0);
  CHECK(watchdog({{"NOTIFY_SOCKET", "/x"}}) == 0);
  CHECK(watchdog({{"WATCHDOG_USEC", "500000"}}) == 0);
}

}  // namespace ballast
