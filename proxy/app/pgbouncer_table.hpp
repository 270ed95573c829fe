// The table of PgBouncer's settings (1.25, and those of its next release): what each one is in Ballast, or
// why it is nothing. Immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ballast {

enum class ImportAs {
  setting,  // of Ballast, by the name in `as`
  url,      // a parameter of upstream_url
  nothing   // `note` says why
};

struct Conversion {
  std::string value;
  std::string note;                 // what is different; empty: nothing
  ImportAs as = ImportAs::setting;  // nothing: this value can't be carried over
};

struct PgBouncerSetting {
  std::string_view name;
  ImportAs import_as = ImportAs::setting;
  std::string_view as;                                      // empty: the same name
  std::string_view note;                                    // of a setting: what is different
  Conversion (*convert)(std::string_view value) = nullptr;  // null: the value is the same
};

enum class PgBouncerSection { pgbouncer, database, user };

std::span<const PgBouncerSetting> pgbouncer_settings(PgBouncerSection section);
const PgBouncerSetting* find_pgbouncer_setting(PgBouncerSection section, std::string_view name);

// PgBouncer's values of what a file leaves open, where Ballast would do something else.
struct PgBouncerDefault {
  std::string_view name;
  std::string_view value;  // TOML
  std::string_view note;
};
std::span<const PgBouncerDefault> pgbouncer_defaults();

}  // namespace ballast
