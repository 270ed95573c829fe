#include "proxy/session/startup_parameters.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast {
namespace {

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Words are separated by white space; a backslash takes the next character as it is.
std::vector<std::string> split(std::string_view options) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (is_space(options[i])) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (options[i] == '\\' && ++i == options.size()) break;
    word.push_back(options[i]);
  }
  if (in_word) words.push_back(word);
  return words;
}

PgError refusal(std::string message) { return {Severity::fatal, "42601", std::move(message), {}, {}}; }

// "name=value" as -c and -- take it; dashes in the name stand for underscores.
PgError add(std::string_view setting, std::string_view flag, ReportedParameters& values) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return refusal(std::string(flag) + std::string(setting) + " requires a value");
  }
  std::string name = lower_case(setting.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  values[name] = setting.substr(equals + 1);
  return {};
}

PgError read_options(std::string_view options, ReportedParameters& values) {
  const std::vector<std::string> words = split(options);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    PgError error;
    if (word == "-c" && i + 1 < words.size()) {
      error = add(words[++i], "-c ", values);
    } else if (word.starts_with("-c") && word.size() > 2) {
      error = add(word.substr(2), "-c ", values);
    } else if (word.starts_with("--")) {
      error = add(word.substr(2), "--", values);
    } else {
      error = refusal("invalid command-line argument for server process: " + std::string(word));
    }
    if (!error.message.empty()) return error;
  }
  return {};
}

void take_priority(StartupValues& startup) {
  const auto given = startup.values.extract("ballast.priority");
  if (given.empty()) return;
  constexpr std::array<std::string_view, 3> words{"high", "normal", "low"};  // as Priority has them
  const auto word = std::find(words.begin(), words.end(), lower_case(given.mapped()));
  if (word != words.end()) {
    startup.priority = static_cast<Priority>(word - words.begin());
    return;
  }
  startup.error = {Severity::fatal,
                   std::string(sqlstate::invalid_parameter_value),
                   "invalid value for parameter \"ballast.priority\": \"" + given.mapped() + "\"",
                   {},
                   "Available values: high, normal, low."};
}

}  // namespace

StartupValues read_startup_values(const StartupParameters& parameters) {
  StartupValues result;
  for (const auto& [name, value] : parameters) {
    if (name == "options") result.error = read_options(value, result.values);
    if (!result.error.message.empty()) return result;
  }
  for (const auto& [name, value] : parameters) {
    if (name != "options" && name != "replication") result.values[lower_case(name)] = value;
  }
  for (const auto& [name, value] : result.values) {
    if (is_parameter_name(name)) continue;
    result.error = {
        Severity::fatal, "42704", "unrecognized configuration parameter \"" + name + "\"", {}, {}};
  }
  if (result.error.message.empty()) take_priority(result);
  return result;
}

}  // namespace ballast
