#include "proxy/base/setting_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace ballast {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Largest first. PostgreSQL manual 20.1.1; "us" is left out because nothing here is finer than a millisecond.
constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 4> byte_units{{{"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}}};

std::span<const Unit> units_of(SettingKind kind) {
  return kind == SettingKind::duration ? std::span<const Unit>(duration_units) : byte_units;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::optional<std::int64_t> whole_number(std::string_view text, int base) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A number that may be fractional and may carry a unit, in the smallest unit.
std::optional<double> amount(const SettingType& type, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view name = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  if (name.empty()) return number * (type.kind == SettingKind::duration ? 1000 : 1);
  for (const Unit& unit : units_of(type.kind)) {
    if (unit.name == name) return number * static_cast<double>(unit.factor);
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const SettingType& type, std::string_view problem) {
  throw std::invalid_argument(std::string(problem) + "; use " + setting_range(type));
}

std::int64_t parse_amount(const SettingType& type, std::string_view text) {
  const bool is_duration = type.kind == SettingKind::duration;
  const std::optional<double> found = amount(type, text);
  if (!found) {
    refuse(type, is_duration ? "not a duration such as 30, 0.5, 500ms, 2min, 1h"
                             : "not a size such as 4096, 64kB, 16MB");
  }
  // Compared as doubles first: what doesn't fit an int64_t must not be converted.
  if (*found > static_cast<double>(type.max)) refuse(type, "too large");
  if (*found < static_cast<double>(type.min)) refuse(type, "too small");
  const std::int64_t rounded = std::llround(*found);
  if (rounded == 0 && *found > 0) refuse(type, is_duration ? "shorter than 1ms" : "less than one byte");
  return rounded;
}

std::int64_t parse_number(const SettingType& type, std::string_view text) {
  const bool octal = type.kind == SettingKind::octal;
  const std::optional<std::int64_t> number = whole_number(text, octal ? 8 : 10);
  if (!number) refuse(type, octal ? "not an octal mode" : "not a whole number");
  if (*number > type.max) refuse(type, "too large");
  if (*number < type.min) refuse(type, "too small");
  return *number;
}

// Not by way of a double: 0.25 is 250 thousandths, and nothing near it.
std::int64_t parse_decimal(const SettingType& type, std::string_view text) {
  constexpr std::size_t decimals_max = 3;
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  std::string decimals(point < text.size() ? text.substr(point + 1) : "");
  while (decimals.size() > decimals_max && decimals.back() == '0') decimals.pop_back();
  const bool lacks_digits = digits.empty() || (point < text.size() && decimals.empty());
  if (decimals.size() > decimals_max) refuse(type, "has more than three decimals");
  decimals.resize(decimals_max, '0');
  const bool has_sign = decimals.find_first_not_of("0123456789") != decimals.npos;
  const std::optional<std::int64_t> number = whole_number(digits + decimals, 10);
  if (!number && digits.size() > 12) refuse(type, "too large");
  if (!number || lacks_digits || has_sign) refuse(type, "not a number such as 2 or 0.25");
  if (*number > type.max) refuse(type, "too large");
  if (*number < type.min) refuse(type, "too small");
  return *number;
}

std::int64_t parse_word(const SettingType& type, std::string_view text) {
  for (std::size_t i = 0; i < type.words.size(); ++i) {
    if (type.words[i] == text) return static_cast<std::int64_t>(i);
  }
  refuse(type, "not known");
}

std::string octal_text(std::int64_t number) {
  if (number == 0) return "0";
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 8).ptr;
  return "0" + std::string(digits.data(), end);
}

std::string decimal_text(std::int64_t number) {
  std::string text = std::to_string(number / 1000);
  if (const std::int64_t rest = number % 1000; rest != 0) text += "." + std::to_string(1000 + rest).substr(1);
  while (text.find('.') != text.npos && text.back() == '0') text.pop_back();
  return text;
}

// In the largest unit that leaves a whole number, as PostgreSQL's SHOW does.
std::string amount_text(const SettingType& type, std::int64_t number) {
  if (number == 0) return "0";
  for (const Unit& unit : units_of(type.kind)) {
    if (number % unit.factor != 0) continue;
    return std::to_string(number / unit.factor) + (unit.name == "B" ? "" : std::string(unit.name));
  }
  return std::to_string(number);
}

std::string word_list(std::span<const std::string_view> words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? " or " : ", ";
    list += words[i];
  }
  return list;
}

}  // namespace

bool holds_text(SettingKind kind) {
  return kind == SettingKind::text || kind == SettingKind::file || kind == SettingKind::secret;
}

SettingValue parse_setting(const SettingType& type, std::string_view text) {
  if (holds_text(type.kind)) {
    if (text.find('\0') != std::string_view::npos)
      throw std::invalid_argument("holds a zero byte; remove it");
    return {.text = std::string(text)};
  }
  const std::string_view word = trimmed(text);
  switch (type.kind) {
    case SettingKind::duration:
    case SettingKind::bytes:
      return {.number = parse_amount(type, word), .text = {}};
    case SettingKind::decimal:
      return {.number = parse_decimal(type, word), .text = {}};
    case SettingKind::word:
      return {.number = parse_word(type, word), .text = std::string(word)};
    default:
      return {.number = parse_number(type, word), .text = {}};
  }
}

std::string setting_text(const SettingType& type, const SettingValue& value) {
  switch (type.kind) {
    case SettingKind::number:
      return std::to_string(value.number);
    case SettingKind::duration:
    case SettingKind::bytes:
      return amount_text(type, value.number);
    case SettingKind::decimal:
      return decimal_text(value.number);
    case SettingKind::octal:
      return octal_text(value.number);
    case SettingKind::word:
      return std::string(type.words[static_cast<std::size_t>(value.number)]);
    case SettingKind::secret:
      return value.text.empty() ? "" : "(hidden)";
    default:
      return value.text;
  }
}

std::string setting_range(const SettingType& type) {
  if (holds_text(type.kind)) return "";
  if (type.kind == SettingKind::word) return word_list(type.words);
  return setting_text(type, {.number = type.min, .text = {}}) + " to " +
         setting_text(type, {.number = type.max, .text = {}});
}

}  // namespace ballast
