// TerminalMode: while there is one, the terminal is as a command needs it, and a signal that would end the
// program only ends wait(): who finds one in taken_signal() lets this object go and calls end_by(signal). So
// the terminal is never left behind in another state. One at a time, on the main thread.
#pragma once

#include <chrono>
#include <optional>

#include <signal.h>
#include <termios.h>

namespace ballast {

enum class TerminalKind {
  quiet,       // what is typed is not shown
  full_screen  // nor is it held back until Enter, and the screen is another one until the end
};

class TerminalMode {
 public:
  // `input` and `output` are terminals.
  TerminalMode(TerminalKind kind, int input, int output);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  enum class Woken { input, signal, timeout };
  // For a key, a signal (a new size of the window is one, too) or the time. Signals are let in here only, so
  // none comes between a look at taken_signal() and the wait.
  Woken wait(std::optional<std::chrono::milliseconds> timeout);
  // One that would end the program; 0: none has come.
  static int taken_signal();

 private:
  const TerminalKind kind_;
  const int input_;
  const int output_;
  termios before_{};
  sigset_t mask_before_{};
};

// As if the signal had had its way at once.
[[noreturn]] void end_by(int signal);

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

TerminalSize terminal_size(int output);

}  // namespace ballast
