// LoginFile: what is known of logins (LoginMemory), kept in state_dir over restarts. Control thread.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/app/state_file.hpp"
#include "proxy/pool/login_memory.hpp"

namespace ballast {

class LoginFile {
 public:
  // Reads what is there into `memory`. An empty folder: nothing is kept.
  LoginFile(LoginMemory& memory, const std::string& folder);
  // Writes the file anew if something has changed since; the first failure is logged.
  void save();

 private:
  LoginMemory& memory_;
  StateFile file_;
  std::uint64_t saved_ = 0;  // LoginMemory::version()
  bool has_failed_ = false;
};

}  // namespace ballast
