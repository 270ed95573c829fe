#include "proxy/app/service_notice.hpp"

#include <charconv>

#include <unistd.h>

#include <boost/asio/buffer.hpp>

namespace ballast {

namespace asio = boost::asio;

namespace {

long long number(const std::string& text) {
  long long found = 0;
  std::from_chars(text.data(), text.data() + text.size(), found);
  return found;
}

// It is for one process alone, and inherited by others.
std::chrono::microseconds watchdog_of(const Environment& environment) {
  const std::string pid = variable(environment, "WATCHDOG_PID");
  if (!pid.empty() && number(pid) != ::getpid()) return {};
  return std::chrono::microseconds(number(variable(environment, "WATCHDOG_USEC")));
}

}  // namespace

ServiceNotice::ServiceNotice(asio::io_context& context, const Environment& environment) : socket_(context) {
  address_ = variable(environment, "NOTIFY_SOCKET");
  if (address_.empty()) return;
  if (address_.front() == '@') address_.front() = '\0';
  boost::system::error_code error;
  socket_.open({}, error);
  if (!error) socket_.non_blocking(true, error);
  if (error) address_.clear();
  watchdog_ = watchdog_of(environment);
}

void ServiceNotice::send(std::string_view text) {
  if (address_.empty()) return;
  boost::system::error_code nobody_there;
  socket_.send_to(asio::buffer(text), address_, 0, nobody_there);
}

void ServiceNotice::ready() { send("READY=1"); }

// With the time, so that it can be told from an earlier one (Type=notify-reload).
void ServiceNotice::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceNotice::stopping() { send("STOPPING=1"); }

void ServiceNotice::main_process(int pid) { send("MAINPID=" + std::to_string(pid)); }

void ServiceNotice::status(const std::string& text) {
  if (text == status_) return;
  status_ = text;
  send("STATUS=" + text);
}

void ServiceNotice::alive() { send("WATCHDOG=1"); }

}  // namespace ballast
