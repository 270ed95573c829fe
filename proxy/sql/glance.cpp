#include "proxy/sql/glance.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ballast {
namespace {

// Sixteen bytes at once: g++ and clang make vector instructions of it on every machine that has them.
using Block = std::uint8_t __attribute__((vector_size(16)));
using Mask = std::int8_t __attribute__((vector_size(16)));  // all bits of a byte, or none

Block load(const char* at) {
  Block block;
  std::memcpy(&block, at, sizeof(block));
  return block;
}

bool any(Mask mask) {
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(mask);
  return (halves[0] | halves[1]) != 0;
}

constexpr std::uint8_t case_bit = 'a' ^ 'A';

// Looks at 19 bytes: a call, string, comment or second statement begins in those behind the third, or "temp"
// (which pg_temp and temporary hold) in the first sixteen.
bool needs_a_lexer(const char* at) {
  const Block first = load(at);
  const Block second = load(at + 1);
  const Block third = load(at + 2);
  const Block fourth = load(at + 3);
  const Mask stop = (fourth == '(') | (fourth == '\'') | (fourth == '"') | (fourth == ';') |
                    ((fourth | 2) == '/');  // and '-'
  const Mask dollar_quote = (third == '$') & (fourth - '0' > 9);
  const Mask temp = ((first | case_bit) == 't') & ((second | case_bit) == 'e') & ((third | case_bit) == 'm') &
                    ((fourth | case_bit) == 'p');
  return any(stop | dollar_quote | temp);
}

constexpr std::size_t span = sizeof(Block) + 3;

constexpr std::uint64_t first_bytes(const char (&word)[7]) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = word[i];
  return std::bit_cast<std::uint64_t>(bytes);
}

constexpr std::uint64_t six_bytes = first_bytes("\xFF\xFF\xFF\xFF\xFF\xFF");
constexpr std::uint64_t six_case_bits = first_bytes("      ");  // the bit is a space

bool begins_plainly(std::string_view text) {
  std::uint64_t start;
  std::memcpy(&start, text.data(), sizeof(start));
  start = (start & six_bytes) | six_case_bits;
  const bool is_known =
      start == first_bytes("select") || start == first_bytes("update") || start == first_bytes("delete");
  return is_known && (text[6] == ' ' || text[6] == '\n');
}

}  // namespace

bool is_plain_at_a_glance(std::string_view text) {
  if (text.ends_with(';')) text.remove_suffix(1);
  if (text.size() < span || !begins_plainly(text)) return false;
  const char* const last = text.data() + text.size() - span;
  for (const char* at = text.data(); at < last; at += sizeof(Block)) {
    if (needs_a_lexer(at)) return false;
  }
  return !needs_a_lexer(last);
}

}  // namespace ballast
