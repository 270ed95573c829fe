#include "protocol/saslprep.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>

namespace ballast {
namespace {

struct Range {
  char32_t first, last;
};

// RFC 3454, table C.1.2: mapped to a space.
constexpr Range spaces[] = {{0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200b},
                            {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

// RFC 3454, table B.1: mapped to nothing. U+200B is in both tables and is a space in PostgreSQL.
constexpr Range invisible[] = {{0xad, 0xad},     {0x34f, 0x34f},   {0x1806, 0x1806}, {0x180b, 0x180d},
                               {0x200c, 0x200d}, {0x2060, 0x2060}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};

// RFC 4013, section 2.3: tables C.2.1 to C.9, less what is mapped above. C.4's last two code points of every
// plane are in is_prohibited().
constexpr Range prohibited[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},       {0x340, 0x341},     {0x6dd, 0x6dd},       {0x70f, 0x70f},
    {0x180e, 0x180e},   {0x200e, 0x200f},   {0x2028, 0x202e},   {0x2061, 0x2063},     {0x206a, 0x206f},
    {0x2ff0, 0x2ffb},   {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfff9, 0xffff},     {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xfffff}, {0x100000, 0x10ffff},
};

template <std::size_t size>
bool in(const Range (&ranges)[size], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

bool is_prohibited(char32_t c) { return in(prohibited, c) || (c & 0xfffe) == 0xfffe; }

// The code point at the front of `text`, which is moved behind it; nothing where the bytes are not UTF-8.
std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xc2 ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                           : lead < 0xf5 ? 4
                                         : 0;
  if (size == 0 || text.size() < size) return std::nullopt;
  char32_t c = size == 1 ? lead : lead & (0x7fU >> size);
  for (const char byte : text.substr(1, size - 1)) {
    const auto bits = static_cast<unsigned char>(byte);
    if ((bits & 0xc0) != 0x80) return std::nullopt;
    c = c << 6 | (bits & 0x3fU);
  }
  // Longer than need be, a surrogate, or beyond Unicode.
  if ((size == 3 && c < 0x800) || (size == 4 && c < 0x10000) || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
    return std::nullopt;
  text.remove_prefix(size);
  return c;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
}

}  // namespace

std::string saslprep(std::string_view password) {
  if (is_ascii(password)) return std::string(password);
  std::string prepared;
  std::string_view rest = password;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const std::optional<char32_t> c = take_code_point(rest);
    if (!c || is_prohibited(*c)) return std::string(password);
    if (in(spaces, *c))
      prepared.push_back(' ');
    else if (!in(invisible, *c))
      prepared.append(before.substr(0, before.size() - rest.size()));
  }
  return prepared.empty() ? std::string(password) : prepared;
}

}  // namespace ballast
