#include "proxy/app/config_command.hpp"

#include "proxy/app/upstream_url.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

std::string toml_value(const SettingType& type, const SettingValue& value) {
  const std::string text = setting_text(type, value);
  const bool is_number = type.kind == SettingKind::number || type.kind == SettingKind::decimal;
  return is_number ? text : json_string(text);  // a JSON string is a TOML string
}

std::string commented(std::string line, std::string_view source) {
  constexpr std::size_t column = 48;
  line.append(line.size() < column ? column - line.size() : 1, ' ');
  return line + "# " + std::string(source) + "\n";
}

// The password can't be shown, so this can't be a line to copy.
std::string upstream_text(const Options& options) {
  if (options.settings.upstream.hosts.empty()) return "# upstream_url: not set\n";
  const std::string_view name =
      options.settings.upstream_url_file.empty() ? "upstream_url" : "upstream_url_file";
  return "# " + std::string(name) + " = " + json_string(shown_url(options.settings.upstream)) +
         ", password hidden  # " + std::string(source_of(options, name)) + "\n";
}

std::string overrides_text(const Options& options, const std::string& title,
                           const std::map<std::string, PoolOverrides>& owners) {
  std::string text;
  for (const auto& [owner, overrides] : owners) {
    text += "\n[" + title + "." + json_string(owner) + "]\n";
    for (const Override& row : overrides_table()) {
      const std::string_view source = source_of(options, title + "." + owner + "." + std::string(row.name));
      const std::optional<SettingValue> value = value_of(row, overrides);
      // Two rows share a member (max_db_connections, max_user_connections): the one that was set has a
      // source.
      if (!value || source == "default") continue;
      text += commented(std::string(row.name) + " = " + toml_value(row.type, *value), source);
    }
  }
  return text;
}

std::string default_text(const Setting& setting) {
  return setting_text(setting.type, value_of(setting, Settings()));
}

}  // namespace

std::string config_text(const Options& options) {
  const std::string& file = options.config_file;
  std::string text = file.empty() ? "# no configuration file\n" : "# file: " + printable(file) + "\n";
  std::string_view section;
  for (const Setting& setting : settings_table()) {
    if (setting.section != section) text += "\n# " + std::string(setting.section) + "\n";
    section = setting.section;
    if (setting.name == "upstream_url") {
      text += upstream_text(options);
    } else if (setting.name != "upstream_url_file") {
      const SettingValue value = value_of(setting, options.settings);
      text += commented(std::string(setting.name) + " = " + toml_value(setting.type, value),
                        source_of(options, setting.name));
    }
  }
  text += overrides_text(options, "databases", options.settings.databases);
  return text + overrides_text(options, "users", options.settings.users);
}

std::string settings_markdown() {
  std::string text;
  std::string_view section;
  for (const Setting& setting : settings_table()) {
    if (setting.section != section) {
      text += (text.empty() ? "**" : "\n**") + std::string(setting.section) + "**\n\n";
      text += "| Setting | Default | Range | Change needs | Meaning |\n|---|---|---|---|---|\n";
    }
    section = setting.section;
    const std::string initial = default_text(setting);
    text += "| `" + std::string(setting.name) + "` | " + (initial.empty() ? "" : "`" + initial + "`") +
            " | " + setting_range(setting.type) + " | " +
            (setting.takes == Takes::reload ? "reload" : "restart") + " | " + std::string(setting.meaning) +
            " |\n";
  }
  return text;
}

}  // namespace ballast
