#include "proxy/base/printable.hpp"

#include <cstddef>
#include <cstdint>

namespace ballast {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

struct Character {
  std::uint32_t code_point = 0;
  std::size_t length = 0;  // bytes; 0: not UTF-8
};

// RFC 3629 section 3: overlong forms, surrogates and what lies beyond U+10FFFF are refused.
Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t code_point = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < smallest[length] || surrogate || code_point > 0x10ffff) return {};
  return {code_point, length};
}

// C0, DEL and C1 drive terminals; U+2028 and U+2029 end a line for some readers.
bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 ||
         code_point == 0x2029;
}

void append_hex_byte(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += hex_digits[value >> 4];
  out += hex_digits[value & 15];
}

void append_short_escape(std::string& out, char c) {
  out += '\\';
  out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
}

bool has_short_escape(std::uint32_t code_point) {
  return code_point == '\n' || code_point == '\r' || code_point == '\t' || code_point == '\\';
}

void append_json_code(std::string& out, std::uint32_t code_point) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += hex_digits[code_point >> shift & 15];
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [code_point, length] = first_character(text);
    const std::string_view bytes = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || (is_control(code_point) && !has_short_escape(code_point))) {
      for (const char byte : bytes) append_hex_byte(out, byte);
    } else if (has_short_escape(code_point)) {
      append_short_escape(out, text[0]);
    } else {
      out += bytes;
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const auto [code_point, length] = first_character(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (has_short_escape(code_point) || code_point == '"') {
      append_short_escape(out, text[0]);
    } else if (is_control(code_point)) {
      append_json_code(out, code_point);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
  return out;
}

}  // namespace ballast
