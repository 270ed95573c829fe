// Rows of the settings: CONFIG as PgBouncer has it, SETTINGS as we do.
#include <algorithm>

#include "proxy/app/console_rows.hpp"
#include "proxy/app/upstream_url.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {

namespace {

// PgBouncer's texts are plain numbers: durations in seconds, sizes in bytes.
std::string plain_text(const Setting& setting, const SettingValue& value) {
  if (setting.type.kind == SettingKind::bytes) return std::to_string(value.number);
  if (setting.type.kind != SettingKind::duration) return setting_text(setting.type, value);
  constexpr std::int64_t ms = 1000;
  std::string text = std::to_string(value.number / ms);
  const std::int64_t rest = value.number % ms;
  if (rest == 0) return text;
  text += "." + std::to_string(ms + rest).substr(1);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

// No secret is shown; of the URL all but its password.
bool is_shown(const Setting& setting) { return setting.type.kind != SettingKind::secret; }

std::string hidden_text(const Setting& setting, const Settings& settings) {
  if (setting.name == "upstream_url")
    return settings.upstream.hosts.empty() ? "" : shown_url(settings.upstream);
  return value_of(setting, settings).text.empty() ? "" : "(hidden)";
}

}  // namespace

Rows config_rows(const ConsoleFigures& figures) {
  const Settings& settings = figures.options->settings;
  Rows rows;
  for (const Setting& setting : settings_table()) {
    const std::string value =
        is_shown(setting) ? plain_text(setting, value_of(setting, settings)) : hidden_text(setting, settings);
    rows.push_back({text(setting.name), text(value), text(plain_text(setting, value_of(setting, Settings()))),
                    text(setting.takes == Takes::reload ? "yes" : "no")});
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Rows setting_rows(const ConsoleFigures& figures) {
  const Options& options = *figures.options;
  Rows rows;
  for (const Setting& setting : settings_table()) {
    const std::string value = is_shown(setting)
                                  ? setting_text(setting.type, value_of(setting, options.settings))
                                  : hidden_text(setting, options.settings);
    rows.push_back({text(setting.name), text(value), text(source_of(options, setting.name)),
                    text(setting_text(setting.type, value_of(setting, Settings()))),
                    text(setting_range(setting.type)),
                    text(setting.takes == Takes::reload ? "reload" : "restart"), text(setting.meaning)});
  }
  return rows;
}

}  // namespace ballast
