#include "proxy/app/top_command.hpp"

#include <chrono>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

#include "proxy/app/http_client.hpp"
#include "proxy/app/terminal.hpp"
#include "proxy/app/top_figures.hpp"
#include "proxy/app/top_screen.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/setting_value.hpp"

namespace ballast {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr SettingType count_type{SettingKind::number, 1, 1'000'000, {}};
constexpr SettingType interval_type{SettingKind::duration, 100, 3'600'000, {}};

std::optional<std::int64_t> option_of(const Options& options, std::string_view name,
                                      const SettingType& type) {
  const auto found = options.command_options.find(name);
  if (found == options.command_options.end()) return std::nullopt;
  try {
    return parse_setting(type, found->second).number;
  } catch (const std::invalid_argument& problem) {
    throw OptionsError(std::string(name) + " \"" + printable(found->second) + "\": " + problem.what());
  }
}

struct Look {
  std::vector<Sample> samples;
  Clock::time_point taken_at;
};

// The last two looks at one Ballast.
class Watch {
 public:
  explicit Watch(const Settings& settings)
      : question_{settings.http_addr, settings.http_port, "/metrics", settings.http_bearer},
        place_(own_address(settings.http_addr) + ":" + std::to_string(settings.http_port)) {}

  // Empty, or why there is nothing to see.
  std::string look() {
    HttpReply reply = http_get(question_);
    if (reply.status == 401) return place_ + " wants another http_token";
    if (reply.status != 200)
      return reply.status == 0 ? reply.error : "status " + std::to_string(reply.status);
    before_ = std::move(now_);
    now_ = {parse_exposition(reply.body), Clock::now()};
    if (before_.samples.empty()) before_ = now_;
    return "";
  }

  std::string text(Room room) const {
    const std::chrono::duration<double> between = now_.taken_at - before_.taken_at;
    const std::chrono::duration<double> since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return top_text(top_figures(before_.samples, now_.samples, between.count(), since_epoch.count()), place_,
                    room);
  }

 private:
  HttpQuestion question_;
  std::string place_;
  Look before_;
  Look now_;
};

int fail(const std::string& why) {
  std::cerr << "ballast: " << why << '\n';
  return 1;
}

int print(Watch& watch, std::int64_t count, milliseconds interval) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::this_thread::sleep_for(interval);
    if (const std::string why = watch.look(); !why.empty()) return fail(why);
    std::cout << (i > 0 ? "\n" : "") << watch.text({}) << std::flush;
  }
  return 0;
}

void draw(const Watch& watch, const std::string& why) {
  constexpr std::string_view home = "\x1b[H";
  constexpr std::string_view clear_line = "\x1b[K";
  constexpr std::string_view clear_rest = "\x1b[J";
  const TerminalSize size = terminal_size(STDOUT_FILENO);
  const auto rows = static_cast<std::size_t>(size.rows);
  std::string screen(home);
  // The last line stays free: it says what is wrong, and a line break in it would scroll.
  for (const char c : watch.text({static_cast<std::size_t>(size.columns), rows - 1})) {
    if (c == '\n') screen += clear_line;
    screen += c;
  }
  screen += clear_rest;
  screen += printable(why).substr(0, static_cast<std::size_t>(size.columns));
  std::cout << screen << std::flush;
}

// Draws until q is typed or a signal comes; the signal.
int watch_on(Watch& watch, milliseconds interval) {
  TerminalMode terminal(TerminalKind::full_screen, STDIN_FILENO, STDOUT_FILENO);
  std::string why;
  auto next = Clock::now() + interval;
  while (TerminalMode::taken_signal() == 0) {
    draw(watch, why);
    const auto left = std::max(std::chrono::ceil<milliseconds>(next - Clock::now()), milliseconds(0));
    const auto woken = terminal.wait(left);
    char key = 0;
    const bool is_key = woken == TerminalMode::Woken::input;
    if (is_key && (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')) return 0;
    if (woken != TerminalMode::Woken::timeout) continue;
    why = watch.look();
    next = Clock::now() + interval;
  }
  return TerminalMode::taken_signal();
}

}  // namespace

int top(const Options& options) {
  const auto count = option_of(options, "--count", count_type);
  const milliseconds interval(option_of(options, "--interval", interval_type).value_or(1000));
  if (options.settings.http_port == 0) {
    throw OptionsError(
        "http_port = 0: the Ballast to watch needs one; give its http_port, and http_token if it has one");
  }
  Watch watch(options.settings);
  if (const std::string why = watch.look(); !why.empty()) return fail(why);
  const bool has_terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (count || !has_terminal) return print(watch, count.value_or(1), interval);
  if (const int signal = watch_on(watch, interval); signal != 0) end_by(signal);
  return 0;
}

}  // namespace ballast
