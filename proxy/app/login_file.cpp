#include "proxy/app/login_file.hpp"

#include <filesystem>
#include <fstream>

#include "proxy/base/log.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {

namespace fs = std::filesystem;

LoginFile::LoginFile(LoginMemory& memory, const std::string& folder) : memory_(memory) {
  if (folder.empty()) return;
  path_ = folder + "/logins";
  if (!fs::exists(path_)) return;
  try {
    if (!memory_.read(read_text_file(path_))) log::warning("state", path_ + " is not what it should be");
  } catch (const TextFileError& error) {
    log::warning("state", path_ + ": " + error.what());
  }
  saved_ = memory_.version();
}

// By way of a second file, so that a crash leaves the one or the other.
void LoginFile::save() {
  const std::uint64_t version = memory_.version();
  if (path_.empty() || version == saved_) return;
  saved_ = version;
  std::error_code error;
  fs::create_directories(fs::path(path_).parent_path(), error);
  const std::string next = path_ + ".new";
  std::ofstream out(next, std::ios::binary | std::ios::trunc);
  out << memory_.write();
  out.close();
  if (out) fs::rename(next, path_, error);
  if (out && !error) return;
  if (!has_failed_) log::warning("state", path_ + " can't be written (state_dir)");
  has_failed_ = true;
}

}  // namespace ballast
