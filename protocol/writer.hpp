// MessageWriter: appends one message to a string and patches its length when it goes out of scope.
//
//   MessageWriter(out, 'Q').cstring("SELECT 1");
//
// The string must outlive the writer; one writer at a time on a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/message.hpp"

namespace ballast {

class MessageWriter {
 public:
  MessageWriter(std::string& out, char type) : out_(out) {
    out_.push_back(type);
    length_at_ = out_.size();
    out_.append(4, '\0');
  }
  MessageWriter(std::string& out, FrontendType type) : MessageWriter(out, static_cast<char>(type)) {}
  MessageWriter(std::string& out, BackendType type) : MessageWriter(out, static_cast<char>(type)) {}
  // An untyped packet (startup, SSLRequest, CancelRequest): the length comes first.
  explicit MessageWriter(std::string& out) : out_(out), length_at_(out.size()) { out_.append(4, '\0'); }
  ~MessageWriter() { patch(length_at_, static_cast<std::uint32_t>(out_.size() - length_at_)); }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  MessageWriter& byte(char value) {
    out_.push_back(value);
    return *this;
  }
  MessageWriter& int16(std::int16_t value) {
    const auto bits = static_cast<std::uint16_t>(value);
    out_.push_back(static_cast<char>(bits >> 8));
    out_.push_back(static_cast<char>(bits & 0xff));
    return *this;
  }
  MessageWriter& int32(std::int32_t value) {
    const std::size_t at = out_.size();
    out_.append(4, '\0');
    patch(at, static_cast<std::uint32_t>(value));
    return *this;
  }
  // Text must hold no zero byte: it ends the String.
  MessageWriter& cstring(std::string_view text) {
    out_.append(text).push_back('\0');
    return *this;
  }
  MessageWriter& bytes(std::string_view data) {
    out_.append(data);
    return *this;
  }

 private:
  void patch(std::size_t at, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out_[at++] = static_cast<char>(value >> shift & 0xff);
  }

  std::string& out_;
  std::size_t length_at_ = 0;
};

}  // namespace ballast
