#include "proxy/app/login_file.hpp"

#include <utility>

#include "proxy/base/log.hpp"

namespace ballast {

LoginFile::LoginFile(LoginMemory& memory, const std::string& folder)
    : memory_(memory), file_(folder, "logins") {
  try {
    const auto bytes = file_.read();
    if (bytes && !memory_.read(*bytes)) log::warning("state", file_.path() + " is not what it should be");
  } catch (const StateFileError& error) {
    log::warning("state", error.what());
  }
  saved_ = memory_.version();
}

void LoginFile::save() {
  const std::uint64_t version = memory_.version();
  if (!file_.is_kept() || version == saved_) return;
  try {
    file_.write(memory_.write());
    saved_ = version;
  } catch (const StateFileError& error) {
    if (!std::exchange(has_failed_, true)) log::warning("state", error.what());
  }
}

}  // namespace ballast
