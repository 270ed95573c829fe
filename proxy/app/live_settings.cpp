#include "proxy/app/live_settings.hpp"

#include <stdexcept>
#include <utility>

#include "proxy/app/reload.hpp"
#include "proxy/base/log.hpp"
#include "proxy/io/client_tls.hpp"

namespace ballast {

LiveSettings::LiveSettings(Options options, int argc, const char* const* argv, const Environment& environment)
    : options_(std::move(options)), argc_(argc), argv_(argv), environment_(environment) {}

std::shared_ptr<const Configuration> LiveSettings::configuration(const Settings& settings) {
  auto configuration = std::make_shared<Configuration>();
  configuration->settings = settings;
  if (!settings.auth_file.empty()) configuration->secrets = read_user_file(settings.auth_file);
  configuration->client_tls = ClientTlsContext::load(settings);
  return configuration;
}

LiveSettings::Change LiveSettings::adopt(Options options) {
  Change change;
  try {
    const Settings& settings = options.settings;
    change.configuration = configuration(settings);
    log::configure(settings.log_level, settings.log_format, settings.log_file);
  } catch (const std::exception& problem) {
    change.configuration.reset();
    change.error = problem.what();
    return change;
  }
  options_ = std::move(options);
  return change;
}

LiveSettings::Change LiveSettings::reload() {
  Reload reload = reload_options(options_, argc_, argv_, environment_);
  if (!reload.options) return {nullptr, reload.error, {}};
  Change change = adopt(std::move(*reload.options));
  change.restart_needed = std::move(reload.restart_needed);
  return change;
}

LiveSettings::Change LiveSettings::set(const std::string& name, const std::string& value) {
  try {
    return adopt(with_setting(options_, name, value));
  } catch (const OptionsError& refused) {
    return {nullptr, refused.what(), {}};
  }
}

}  // namespace ballast
