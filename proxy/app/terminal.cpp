#include "proxy/app/terminal.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ballast {
namespace {

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

// "?1049": the alternate screen; "?25": the cursor (xterm's control sequences, "DEC Private Mode Set").
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave_screen = "\x1b[?25h\x1b[?1049l";

volatile sig_atomic_t taken = 0;
std::array<struct sigaction, signals.size()> before;

void take(int signal) {
  if (signal != SIGWINCH) taken = signal;
}

void write_all(int output, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(output, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

TerminalMode::TerminalMode(TerminalKind kind, int input, int output)
    : kind_(kind), input_(input), output_(output) {
  taken = 0;
  struct sigaction action {};
  action.sa_handler = take;
  sigset_t held_back;
  sigemptyset(&held_back);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], &action, &before[i]);
    sigaddset(&held_back, signals[i]);
  }
  pthread_sigmask(SIG_BLOCK, &held_back, &mask_before_);
  tcgetattr(input_, &before_);
  termios wanted = before_;
  wanted.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (kind_ == TerminalKind::full_screen) wanted.c_lflag &= ~static_cast<tcflag_t>(ICANON);
  tcsetattr(input_, TCSAFLUSH, &wanted);
  if (kind_ == TerminalKind::full_screen) write_all(output_, enter_screen);
}

TerminalMode::~TerminalMode() {
  if (kind_ == TerminalKind::full_screen) write_all(output_, leave_screen);
  tcsetattr(input_, TCSANOW, &before_);
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &before[i], nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

TerminalMode::Woken TerminalMode::wait(std::optional<std::chrono::milliseconds> timeout) {
  pollfd input{input_, POLLIN, 0};
  timespec limit{};
  if (timeout) {
    limit.tv_sec = timeout->count() / 1000;
    limit.tv_nsec = timeout->count() % 1000 * 1'000'000;
  }
  sigset_t let_in = mask_before_;
  for (const int signal : signals) sigdelset(&let_in, signal);
  const int ready = ::ppoll(&input, 1, timeout ? &limit : nullptr, &let_in);
  if (ready < 0) return Woken::signal;
  return ready == 0 ? Woken::timeout : Woken::input;
}

int TerminalMode::taken_signal() { return taken; }

void end_by(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t let_in;
  sigemptyset(&let_in);
  sigaddset(&let_in, signal);
  pthread_sigmask(SIG_UNBLOCK, &let_in, nullptr);
  ::raise(signal);
  std::_Exit(128 + signal);
}

TerminalSize terminal_size(int output) {
  winsize size{};
  if (::ioctl(output, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace ballast
