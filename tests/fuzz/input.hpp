// What a fuzz target makes of its bytes: first the choices that it needs, then what the peer sends, in
// pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace ballast::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  unsigned choice() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // Up to the next bar, which is dropped: so that words of the dictionary are pieces at once.
  std::string_view piece() {
    const std::size_t end = rest_.find('|');
    return take(end, end == std::string_view::npos ? end : end + 1);
  }
  std::string_view piece(std::size_t size) { return take(size, size); }
  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view take(std::size_t size, std::size_t skipped) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(std::min(skipped, rest_.size()));
    return taken;
  }

  std::string_view rest_;
};

// Ends the run: the fuzzer keeps the input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void fill_counting(std::span<char> out) {
  char next = 1;
  for (char& byte : out) byte = next++;
}

}  // namespace ballast::fuzz
