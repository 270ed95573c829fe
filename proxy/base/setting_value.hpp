// SettingValue: what a setting may hold, how it is read from text and shown again. The same text means the
// same in the file, the environment and on the command line. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ballast {

enum class SettingKind {
  number,
  duration,  // in milliseconds; read as seconds ("0.5") or with a unit as PostgreSQL writes it ("500ms",
             // "2min")
  bytes,     // read as bytes or with kB, MB, GB
  octal,     // a file mode
  decimal,   // in thousandths; read with up to three decimals ("0.25")
  word,      // one of `words`; the number is its index
  text,
  file,    // text: the name of a file that must be readable
  secret,  // text that is never shown
};

struct SettingType {
  SettingKind kind = SettingKind::text;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::span<const std::string_view> words;
};

struct SettingValue {
  std::int64_t number = 0;
  std::string text;

  bool operator==(const SettingValue&) const = default;
};

// Throws std::invalid_argument, which says what is wrong and what would be right ("not a number; use 1 to
// 9").
SettingValue parse_setting(const SettingType& type, std::string_view text);

// The shortest text that parse_setting reads as this value.
std::string setting_text(const SettingType& type, const SettingValue& value);

// "1 to 65535", "session, transaction or statement", "0 to 24d"; empty where anything goes.
std::string setting_range(const SettingType& type);

bool holds_text(SettingKind kind);

}  // namespace ballast
