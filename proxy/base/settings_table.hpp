// The settings table: each setting once, with its type, range and meaning. From it come the names in the
// file, the environment and on the command line, `ballast config`, `ballast --help` and the README's table.
// Defaults are those of the struct Settings. Immutable after start; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/base/setting_value.hpp"
#include "proxy/base/settings.hpp"

namespace ballast {

enum class Takes { reload, restart };  // what it takes for a change to have an effect

struct Setting {
  using Field = std::variant<int Settings::*, std::uint16_t Settings::*, std::uint32_t Settings::*,
                             Milliseconds Settings::*, std::string Settings::*, PoolMode Settings::*,
                             SessionFidelity Settings::*, Switch Settings::*, ScaleToZero Settings::*,
                             Pings Settings::*, PoolTarget Settings::*, FairBy Settings::*,
                             KeepaliveMode Settings::*, Thousandths Settings::*, AuthType Settings::*,
                             ClientTls Settings::*, LogFormat Settings::*>;

  std::string_view section;
  std::string_view name;
  Field field;
  SettingType type;
  Takes takes;
  std::string_view meaning;
};

// What can be set for one database or one user. The type is that of the global setting that it overrides.
enum class OverrideScope { both, database, user };

struct Override {
  using Field =
      std::variant<std::optional<PoolMode> PoolOverrides::*, std::optional<SessionFidelity> PoolOverrides::*,
                   std::optional<int> PoolOverrides::*, std::optional<std::string> PoolOverrides::*>;

  std::string_view name;
  OverrideScope scope;
  Field field;
  SettingType type;
  std::string_view global;  // the setting that it overrides; empty: none
};

std::span<const Setting> settings_table();
std::span<const Override> overrides_table();

const Setting* find_setting(std::string_view name);
const Override* find_override(OverrideScope section, std::string_view name);  // section: database or user
std::vector<std::string_view> setting_names();
std::vector<std::string_view> override_names(OverrideScope section);

SettingValue value_of(const Setting& setting, const Settings& settings);
std::optional<SettingValue> value_of(const Override& override, const PoolOverrides& overrides);
void assign(const Setting& setting, Settings& settings, const SettingValue& value);
void assign(const Override& override, PoolOverrides& overrides, const SettingValue& value);

// The known name that a mistyped one was meant to be; empty: none is near.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace ballast
