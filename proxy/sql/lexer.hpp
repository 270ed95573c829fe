// Lexer: SQL text cut into tokens where PostgreSQL's own scanner cuts it (src/backend/parser/scan.l; manual,
// section 4.1): comments that nest, strings of every kind and over several lines, dollar quotes, quoted
// identifiers. What differs between server versions (1_000, 0x1F) falls into more tokens than there, never
// fewer.
//
// Pure; tokens point into the text. Call next() until it yields `end`. A copy looks ahead.
//
// The text may be in any client encoding whose multi-byte characters hold no quotes: all that PostgreSQL
// takes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace ballast {

enum class TokenKind : std::uint8_t {
  end,
  word,          // a key word or an identifier without quotes
  quoted_name,   // "identifier"
  unicode_name,  // U&"identifier": what it names depends on the server's encoding
  string,        // '...', N'...', E'...', and those continued on other lines
  dollar_string,
  constant,  // a number, parameter, bit string, U&'...'
  symbol,    // one byte; operators are several of them
  broken,    // unterminated, or a byte that begins nothing: PostgreSQL refuses the text
};

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `text` has the size of `lower_case`.
bool equals_folded(const char* text, std::string_view lower_case);

struct Token {
  const char* begin = nullptr;
  std::uint32_t size = 0;
  TokenKind kind = TokenKind::end;

  std::string_view text() const { return {begin, size}; }
  bool is(char symbol) const { return kind == TokenKind::symbol && *begin == symbol; }
  // The key word or unquoted name, in any case.
  bool is(std::string_view lower_case) const {
    return size == lower_case.size() && kind == TokenKind::word && equals_folded(begin, lower_case);
  }
  bool is_one_of(std::initializer_list<std::string_view> words) const {
    return std::any_of(words.begin(), words.end(), [this](std::string_view word) { return is(word); });
  }
  bool is_name() const { return kind == TokenKind::word || kind == TokenKind::quoted_name; }
  bool ends_statement() const { return kind == TokenKind::end || is(';'); }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  Token next();
  // Passes white space, numbers and all symbols but ( ) . ; and says whether it was more than white space.
  bool skip_trifles();
  // PostgreSQL would refuse a token seen so far, or may have found other ones: where a string ends can depend
  // on standard_conforming_strings and the client's encoding.
  bool is_doubtful() const { return is_doubtful_; }

 private:
  enum class Escapes { none, backslash };

  Token take(TokenKind kind, const char* to);
  Token word(const char* from);
  Token number(const char* from);
  Token prefixed();
  Token string(const char* quote, Escapes escapes);
  Token quoted_name(const char* quote, TokenKind kind);
  Token dollar();
  const char* string_end(const char* from, Escapes escapes);
  bool skip_block_comment();

  const char* at_;
  const char* end_;
  bool is_doubtful_ = false;
};

// What a name or key word is called in the catalogs: folded to lower case unless quoted, cut to 63 bytes.
std::string identifier(const Token& token);
// What a string says; nullopt where that depends on backslashes, and for all that is no string.
std::optional<std::string> string_value(const Token& token);

}  // namespace ballast
