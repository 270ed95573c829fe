// Environment: the process's environment variables as a value, so that tests and reloads can hand in their
// own.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ballast {

using Environment = std::map<std::string, std::string, std::less<>>;

inline Environment environment_of(const char* const* variables) {
  Environment environment;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const auto equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return environment;
}

// Empty where the variable isn't set: an empty variable counts as not set.
inline std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace ballast
