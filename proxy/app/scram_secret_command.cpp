#include "proxy/app/scram_secret_command.hpp"

#include <array>
#include <iostream>
#include <span>

#include <unistd.h>

#include "protocol/saslprep.hpp"
#include "protocol/scram_secret.hpp"

#include "proxy/app/terminal.hpp"
#include "proxy/io/random.hpp"

namespace ballast {
namespace {

constexpr std::size_t password_bytes_max = 1024;

// One line, without its end.
std::string read_line(int input) {
  std::string line;
  char c = 0;
  while (line.size() <= password_bytes_max && ::read(input, &c, 1) == 1 && c != '\n') line += c;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string ask_unseen(std::string_view question) {
  std::string answer;
  {
    TerminalMode quiet(TerminalKind::quiet, STDIN_FILENO, STDERR_FILENO);
    std::cerr << question << std::flush;
    // The terminal gives a whole line at once.
    if (quiet.wait({}) == TerminalMode::Woken::input) answer = read_line(STDIN_FILENO);
    std::cerr << '\n';
  }
  if (const int signal = TerminalMode::taken_signal(); signal != 0) end_by(signal);
  return answer;
}

std::string read_password() {
  if (::isatty(STDIN_FILENO) == 0) return read_line(STDIN_FILENO);
  std::string password = ask_unseen("Password: ");
  if (ask_unseen("Again: ") != password) throw OptionsError("the two passwords differ: try again");
  return password;
}

std::string quoted_field(std::string_view field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

}  // namespace

int scram_secret(const Options& options) {
  const auto user = options.command_options.find("--user");
  std::array<char, scram_salt_size> salt{};
  SystemRandom().fill(salt);
  std::cout << scram_secret_line(read_password(), {salt.data(), salt.size()},
                                 user == options.command_options.end() ? "" : user->second)
            << '\n';
  return 0;
}

std::string scram_secret_line(std::string_view password, std::string_view salt, std::string_view user) {
  constexpr std::size_t user_bytes_max = 128;  // of auth_file
  if (password.empty()) throw OptionsError("no password: type one, or give it as a line on standard input");
  if (password.size() > password_bytes_max) throw OptionsError("the password has more than 1024 bytes");
  if (user.size() > user_bytes_max) throw OptionsError("--user: auth_file takes names of up to 128 bytes");
  if (user.find_first_of(std::string_view("\n\r\0", 3)) != user.npos) {
    throw OptionsError("--user: auth_file takes no name with a line break in it");
  }
  const std::string secret =
      format_scram_secret(make_scram_secret(saslprep(password), salt, default_scram_iterations));
  return user.empty() ? secret : quoted_field(user) + " " + quoted_field(secret);
}

}  // namespace ballast
