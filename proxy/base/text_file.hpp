// TextFile: a small file read whole, with a bound, and the reason in words if that fails. For start and
// reload.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace ballast {

// What went wrong ("No such file or directory"), without the file's name.
struct TextFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::size_t max_text_file_bytes = std::size_t{16} << 20;

std::string read_text_file(const std::string& path, std::size_t max_bytes = max_text_file_bytes);

}  // namespace ballast
