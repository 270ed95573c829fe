#include "proxy/app/state_file.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr std::size_t state_bytes_max = std::size_t{64} << 10;

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw StateFileError(printable(path) + ": " + why);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

StateFile::StateFile(const std::string& folder, std::string_view name)
    : path_(folder.empty() ? "" : folder + "/" + std::string(name)) {}

std::optional<std::string> StateFile::read() const {
  if (!is_kept() || (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT)) return std::nullopt;
  try {
    return read_text_file(path_, state_bytes_max);
  } catch (const TextFileError& failure) {
    fail(path_, failure.what());
  }
}

// rename(2) is atomic; that its text is on the disk before its name is, fsync sees to.
void StateFile::write(std::string_view text) const {
  if (!is_kept()) return;
  std::error_code ignored;  // the open says it
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  const std::string draft = path_ + ".new";
  {
    const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0 || !write_all(file.get(), text)) {
      const std::string why = std::strerror(errno);
      ::unlink(draft.c_str());
      fail(draft, why);
    }
  }
  if (std::rename(draft.c_str(), path_.c_str()) != 0) fail(path_, std::strerror(errno));
}

std::string why_not_a_state_folder(const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0) return errno == ENOENT ? "" : std::strerror(errno);
  if (!S_ISDIR(found.st_mode)) return std::strerror(ENOTDIR);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? "" : std::strerror(errno);
}

}  // namespace ballast
