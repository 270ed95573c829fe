#include "proxy/app/reload.hpp"

#include "proxy/base/settings_table.hpp"

namespace ballast {

Reload reload_options(const Options& running, int argc, const char* const* argv,
                      const Environment& environment) {
  Reload reload;
  try {
    reload.options = load_options(argc, argv, environment);
  } catch (const OptionsError& failure) {
    reload.error = failure.what();
    return reload;
  }
  for (const Setting& setting : settings_table()) {
    const SettingValue old_value = value_of(setting, running.settings);
    if (setting.takes == Takes::reload || value_of(setting, reload.options->settings) == old_value) continue;
    assign(setting, reload.options->settings, old_value);
    const std::string name(setting.name);
    reload.options->sources[name] = source_of(running, name);
    reload.restart_needed.push_back(name);
  }
  return reload;
}

}  // namespace ballast
