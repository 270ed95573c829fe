// Reader: a bounds-checked cursor over the body of one message.
//
// Reads past the end return zero or empty and make ok() false for good, so a caller may read a whole message
// and ask once. Views returned point into the bytes given to the constructor and live as long as those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ballast {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  char byte() {
    const std::string_view one = bytes(1);
    return one.empty() ? '\0' : one.front();
  }
  std::int16_t int16() { return static_cast<std::int16_t>(big_endian(2)); }
  std::int32_t int32() { return static_cast<std::int32_t>(big_endian(4)); }

  // A String of the manual: up to the next zero byte, which is consumed and not part of the result.
  std::string_view cstring() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return fail();
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string_view bytes(std::size_t count) {
    if (!ok_ || count > rest_.size()) return fail();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view rest() const { return rest_; }

  bool ok() const { return ok_; }
  // Everything was there and nothing is left over.
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::uint32_t big_endian(std::size_t count) {
    std::uint32_t value = 0;
    for (const char c : bytes(count)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;  // has every read so far found its bytes?
};

}  // namespace ballast
