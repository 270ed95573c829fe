#include "proxy/base/text_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace ballast {

std::string read_text_file(const std::string& path, std::size_t max_bytes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) throw TextFileError(std::strerror(errno));
  std::string text;
  char chunk[4096];
  while (text.size() <= max_bytes) {
    const std::size_t count = std::fread(chunk, 1, sizeof chunk, file.get());
    if (std::ferror(file.get()) != 0)
      throw TextFileError(std::strerror(errno));  // a folder opens, but isn't read
    if (count == 0) return text;
    text.append(chunk, count);
  }
  throw TextFileError("larger than " + std::to_string(max_bytes) + " bytes");
}

}  // namespace ballast
