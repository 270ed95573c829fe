// LiveSettings: the settings in force, and how they change while the process runs: by a reload, or one by
// one (SET) until the next reload. Either everything is right, or all stays as it was. Control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/app/options.hpp"
#include "proxy/app/worker.hpp"

namespace ballast {

class LiveSettings {
 public:
  LiveSettings(Options options, int argc, const char* const* argv, const Environment& environment);

  const Options& options() const { return options_; }
  const Settings& settings() const { return options_.settings; }
  // For the workers, with users and certificates as they are now. Throws std::runtime_error.
  static std::shared_ptr<const Configuration> configuration(const Settings& settings);

  struct Change {
    std::shared_ptr<const Configuration> configuration;  // null: nothing has changed
    std::string error;                                   // then: why, in one line
    std::vector<std::string> restart_needed;             // settings whose new values are not in force
  };
  Change reload();
  Change set(const std::string& name, const std::string& value);

 private:
  Change adopt(Options options);

  Options options_;
  int argc_;
  const char* const* argv_;
  const Environment& environment_;
};

}  // namespace ballast
