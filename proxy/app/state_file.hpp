// StateFile: one small file of state_dir, replaced as a whole: whoever reads it after a crash finds the old
// text or the new one. Without a folder it is empty for ever. One thread.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ballast {

// What went wrong, with the file's name.
struct StateFileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class StateFile {
 public:
  // `folder` empty: nothing is kept.
  StateFile(const std::string& folder, std::string_view name);

  bool is_kept() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  // Nothing: there is no such file. Throws StateFileError if it can't be read.
  std::optional<std::string> read() const;
  // Throws StateFileError; the old text stays then.
  void write(std::string_view text) const;

 private:
  std::string path_;
};

// Empty, or why files can't be kept there ("Not a directory"). One that is missing is made by the first
// write.
std::string why_not_a_state_folder(const std::string& folder);

}  // namespace ballast
