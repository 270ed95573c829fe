#include "proxy/sql/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace ballast {
namespace {

constexpr std::size_t identifier_max = 63;  // NAMEDATALEN - 1

enum class ByteClass : std::uint8_t {
  other,
  space,
  letter,
  prefix,  // a letter that may stand before a quote: E'', B'', X'', N'', U&''
  digit,
  quote,
  double_quote,
  dollar,
  dash,
  slash,
  symbol,
  trifle,  // a symbol that only expressions have
};

constexpr auto byte_classes = [] {
  std::array<ByteClass, 256> classes{};
  const auto set = [&](std::string_view bytes, ByteClass value) {
    for (const char c : bytes) classes[static_cast<unsigned char>(c)] = value;
  };
  for (std::size_t c = 0x80; c < 0x100; ++c) classes[c] = ByteClass::letter;
  set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", ByteClass::letter);
  set("bBeEnNuUxX", ByteClass::prefix);
  set("0123456789", ByteClass::digit);
  set(" \t\n\r\f\v", ByteClass::space);  // \v since PostgreSQL 16
  set("().;", ByteClass::symbol);
  set(",[]:+*%^<>=~!@#&|`?", ByteClass::trifle);
  set("'", ByteClass::quote);
  set("\"", ByteClass::double_quote);
  set("$", ByteClass::dollar);
  set("-", ByteClass::dash);
  set("/", ByteClass::slash);
  return classes;
}();

ByteClass class_of(char c) { return byte_classes[static_cast<unsigned char>(c)]; }

constexpr auto name_bytes = [] {  // those of an identifier behind its first
  std::array<bool, 256> is_name{};
  for (std::size_t c = 0; c < 256; ++c) {
    const ByteClass value = byte_classes[c];
    is_name[c] = value == ByteClass::letter || value == ByteClass::prefix || value == ByteClass::digit ||
                 value == ByteClass::dollar;
  }
  return is_name;
}();

bool continues_name(char c) { return name_bytes[static_cast<unsigned char>(c)]; }
bool is_newline(char c) { return c == '\n' || c == '\r'; }

const char* find(const char* from, const char* end, char c) {
  if (from == end) return nullptr;
  return static_cast<const char*>(std::memchr(from, c, static_cast<std::size_t>(end - from)));
}

const char* line_end(const char* at, const char* end) { return std::find_if(at, end, is_newline); }

// A string goes on behind white space with a newline in it, as if there were no gap (manual, 4.1.2.1): the
// byte behind the next quote, or nullptr.
const char* continuation(const char* at, const char* end) {
  bool has_newline = false;
  while (at != end) {
    if (*at == '-' && end - at > 1 && at[1] == '-') {
      at = line_end(at, end);
    } else if (class_of(*at) == ByteClass::space) {
      has_newline = has_newline || is_newline(*at);
      ++at;
    } else {
      return *at == '\'' && has_newline ? at + 1 : nullptr;
    }
  }
  return nullptr;
}

// The backslashes in front of a quote.
const char* first_backslash(const char* from, const char* quote) {
  while (quote != from && quote[-1] == '\\') --quote;
  return quote;
}

// Cut between two characters of UTF-8, as the server does.
void truncate_identifier(std::string& name) {
  if (name.size() <= identifier_max) return;
  std::size_t size = identifier_max;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
  name.resize(size);
}

void append_unquoted(std::string& value, std::string_view text, char quote) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == quote) ++at;  // it is doubled
    value.push_back(text[at]);
  }
}

}  // namespace

bool equals_folded(const char* text, std::string_view lower_case) {
  for (const char expected : lower_case) {
    if (to_lower(*text++) != expected) return false;
  }
  return true;
}

Token Lexer::take(TokenKind kind, const char* to) {
  const Token token{at_, static_cast<std::uint32_t>(to - at_), kind};
  if (kind == TokenKind::broken) is_doubtful_ = true;
  at_ = to;
  return token;
}

Token Lexer::next() {
  for (;;) {
    const char* at = at_;
    while (at != end_ && class_of(*at) == ByteClass::space) ++at;
    at_ = at;
    if (at == end_) return take(TokenKind::end, at);
    switch (class_of(*at)) {
      case ByteClass::letter:
        return word(at);
      case ByteClass::prefix:
        return prefixed();
      case ByteClass::symbol:
      case ByteClass::trifle:
        return take(TokenKind::symbol, at + 1);
      case ByteClass::digit:
        return number(at);
      case ByteClass::quote:
        return string(at, Escapes::none);
      case ByteClass::double_quote:
        return quoted_name(at, TokenKind::quoted_name);
      case ByteClass::dollar:
        return dollar();
      case ByteClass::dash:
        if (end_ - at < 2 || at[1] != '-') return take(TokenKind::symbol, at + 1);
        at_ = line_end(at, end_);
        break;
      case ByteClass::slash:
        if (end_ - at < 2 || at[1] != '*') return take(TokenKind::symbol, at + 1);
        if (!skip_block_comment()) return take(TokenKind::broken, end_);
        break;
      case ByteClass::other:
      case ByteClass::space:
        return take(TokenKind::broken, at + 1);
    }
  }
}

bool Lexer::skip_trifles() {
  const char* at = at_;
  const char* const end = end_;
  bool is_more_than_space = false;
  for (; at != end; ++at) {
    const ByteClass value = class_of(*at);
    if (value == ByteClass::space) continue;
    if (value != ByteClass::trifle && value != ByteClass::digit) break;
    is_more_than_space = true;
  }
  at_ = at;
  return is_more_than_space;
}

Token Lexer::word(const char* from) {
  const char* const end = end_;
  const char* to = from + 1;
  while (to != end && continues_name(*to)) ++to;
  return take(TokenKind::word, to);
}

Token Lexer::number(const char* from) {
  const char* const end = end_;
  const char* to = from + 1;
  while (to != end && class_of(*to) == ByteClass::digit) ++to;
  return take(TokenKind::constant, to);
}

Token Lexer::prefixed() {
  const char prefix = to_lower(*at_);
  const auto size = end_ - at_;
  if (size > 2 && prefix == 'u' && at_[1] == '&') {
    if (at_[2] == '"') return quoted_name(at_ + 2, TokenKind::unicode_name);
    if (at_[2] == '\'') {
      Token token = string(at_ + 2, Escapes::none);
      if (token.kind == TokenKind::string) token.kind = TokenKind::constant;
      return token;
    }
  }
  if (size < 2 || at_[1] != '\'' || prefix == 'u') return word(at_);
  Token token = string(at_ + 1, prefix == 'e' ? Escapes::backslash : Escapes::none);
  if ((prefix == 'b' || prefix == 'x') && token.kind == TokenKind::string) token.kind = TokenKind::constant;
  return token;
}

Token Lexer::string(const char* quote, Escapes escapes) {
  const char* to = quote + 1;
  do {
    const char* const closing = string_end(to, escapes);
    if (closing == nullptr) return take(TokenKind::broken, end_);
    quote = closing;
    to = continuation(closing + 1, end_);
  } while (to != nullptr);
  return take(TokenKind::string, quote + 1);
}

// The closing quote.
const char* Lexer::string_end(const char* from, Escapes escapes) {
  const char* at = from;
  while ((at = find(at, end_, '\'')) != nullptr) {
    const char* const first = first_backslash(from, at);
    const bool is_escaped = (at - first) % 2 == 1;
    // In some client encodings (SJIS, BIG5, GBK) the first backslash may be half of a character.
    const bool may_be_character =
        first != at && first != from && static_cast<unsigned char>(first[-1]) >= 0x80;
    is_doubtful_ = is_doubtful_ || may_be_character;
    if (is_escaped && escapes == Escapes::backslash) {
      ++at;
      continue;
    }
    // With standard_conforming_strings = off the quote would be part of the string.
    is_doubtful_ = is_doubtful_ || is_escaped;
    if (end_ - at < 2 || at[1] != '\'') break;
    at += 2;
    from = at;
  }
  return at;
}

Token Lexer::quoted_name(const char* quote, TokenKind kind) {
  const char* at = quote + 1;
  while ((at = find(at, end_, '"')) != nullptr) {
    if (end_ - at < 2 || at[1] != '"') return take(kind, at + 1);
    at += 2;
  }
  return take(TokenKind::broken, end_);
}

// $1, or a string between two $tag$.
Token Lexer::dollar() {
  const char* to = at_ + 1;
  if (to != end_ && class_of(*to) == ByteClass::digit) return number(to);
  while (to != end_ && *to != '$' && continues_name(*to)) ++to;
  if (to == end_ || *to != '$') return take(TokenKind::broken, at_ + 1);
  const std::string_view tag(at_, static_cast<std::size_t>(to + 1 - at_));
  const std::string_view rest(to + 1, static_cast<std::size_t>(end_ - to - 1));
  const std::size_t closing = rest.find(tag);
  if (closing == std::string_view::npos) return take(TokenKind::broken, end_);
  return take(TokenKind::dollar_string, rest.data() + closing + tag.size());
}

bool Lexer::skip_block_comment() {
  int depth = 1;
  const char* at = at_ + 2;
  while (depth > 0) {
    if (end_ - at < 2) return false;
    if (at[0] == '/' && at[1] == '*') {
      ++depth;
      at += 2;
    } else if (at[0] == '*' && at[1] == '/') {
      --depth;
      at += 2;
    } else {
      ++at;
    }
  }
  at_ = at;
  return true;
}

std::string identifier(const Token& token) {
  std::string name;
  if (token.kind == TokenKind::quoted_name) {
    append_unquoted(name, token.text().substr(1, token.size - 2), '"');
  } else {
    name = token.text();
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
  }
  truncate_identifier(name);
  return name;
}

std::optional<std::string> string_value(const Token& token) {
  std::string_view text = token.text();
  if (token.kind == TokenKind::dollar_string) {
    const std::size_t tag_size = text.find('$', 1) + 1;
    return std::string(text.substr(tag_size, text.size() - 2 * tag_size));
  }
  if (token.kind != TokenKind::string || text.find('\\') != std::string_view::npos) return std::nullopt;
  std::string value;
  const char* const end = text.data() + text.size();
  const char* at = text.data() + text.find('\'') + 1;
  while (at != nullptr) {
    const char* closing = at;
    while ((closing = find(closing, end, '\'')) + 1 != end && closing[1] == '\'') closing += 2;
    append_unquoted(value, {at, static_cast<std::size_t>(closing - at)}, '\'');
    at = continuation(closing + 1, end);
  }
  return value;
}

}  // namespace ballast
