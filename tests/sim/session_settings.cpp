#include "tests/sim/session_settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "protocol/writer.hpp"

namespace ballast::sim {

namespace {

struct Parameter {
  std::string_view name;
  std::string_view value;
  bool is_reported;
};

constexpr std::array<Parameter, 9> parameters{{{"application_name", "", true},
                                               {"client_encoding", "UTF8", true},
                                               {"DateStyle", "ISO, MDY", true},
                                               {"extra_float_digits", "1", false},
                                               {"IntervalStyle", "postgres", true},
                                               {"search_path", "\"$user\", public", false},
                                               {"server_version", "15.0 (simulated)", true},
                                               {"standard_conforming_strings", "on", true},
                                               {"TimeZone", "UTC", true}}};
constexpr std::array<std::string_view, 5> time_zones{"UTC", "Europe/Berlin", "Asia/Tokyo", "America/Lima",
                                                     "Pacific/Apia"};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

const Parameter* find(std::string_view name) {
  const auto at = std::find_if(parameters.begin(), parameters.end(), [name](const Parameter& other) {
    return equal_ignoring_case(other.name, name);
  });
  return at == parameters.end() ? nullptr : &*at;
}

PgError refusal(std::string_view sqlstate, std::string message) {
  return {Severity::error, std::string(sqlstate), std::move(message), {}, {}};
}

// The value as the server keeps it; nullopt: invalid.
std::optional<std::string> canonical(std::string_view name, std::string_view value) {
  if (name == "TimeZone") {
    const auto zone = std::find_if(time_zones.begin(), time_zones.end(), [value](std::string_view other) {
      return equal_ignoring_case(other, value);
    });
    return zone == time_zones.end() ? std::nullopt : std::optional<std::string>(*zone);
  }
  if (name == "DateStyle") {
    if (equal_ignoring_case(value, "iso")) return "ISO, MDY";
    if (equal_ignoring_case(value, "german")) return "German, DMY";
    if (value == "ISO, MDY" || value == "ISO, DMY" || value == "German, DMY") return std::string(value);
    return std::nullopt;
  }
  if (name == "client_encoding") {
    if (equal_ignoring_case(value, "utf8") || equal_ignoring_case(value, "utf-8")) return "UTF8";
    if (equal_ignoring_case(value, "latin1")) return "LATIN1";
    return std::nullopt;
  }
  return std::string(value);
}

}  // namespace

SessionSettings::SessionSettings() {
  for (const Parameter& parameter : parameters) current_[std::string(parameter.name)].text = parameter.value;
  after_commit_ = at_begin_ = at_start_ = current_;
}

std::optional<PgError> SessionSettings::start(const StartupParameters& values) {
  for (const auto& [name, value] : values) {
    if (auto error = set(name, value, SetScope::session)) {
      error->severity = Severity::fatal;
      return error;
    }
  }
  for (auto& [name, value] : current_) value.is_of_session = false;
  at_start_ = at_begin_ = after_commit_ = current_;
  return std::nullopt;
}

std::optional<PgError> SessionSettings::set(std::string_view name, std::string_view value, SetScope scope) {
  const Parameter* const parameter = find(name);
  if (parameter == nullptr) {
    return refusal("42704", "unrecognized configuration parameter \"" + std::string(name) + "\"");
  }
  if (parameter->name == "server_version") {
    return refusal("55P02", "parameter \"server_version\" cannot be changed");
  }
  std::optional<std::string> kept = canonical(parameter->name, value);
  if (!kept) {
    return refusal("22023", "invalid value for parameter \"" + std::string(parameter->name) + "\": \"" +
                                std::string(value) + "\"");
  }
  const std::string key(parameter->name);
  const Value next{std::move(*kept), true};
  if (scope == SetScope::session) after_commit_[key] = next;
  current_[key] = next;
  return std::nullopt;
}

std::optional<PgError> SessionSettings::reset(std::string_view name) {
  const Parameter* const parameter = find(name);
  if (parameter == nullptr) {
    return refusal("42704", "unrecognized configuration parameter \"" + std::string(name) + "\"");
  }
  const std::string key(parameter->name);
  current_[key] = after_commit_[key] = at_start_[key];
  return std::nullopt;
}

void SessionSettings::reset_all() { current_ = after_commit_ = at_start_; }

void SessionSettings::begin() { at_begin_ = after_commit_ = current_; }

void SessionSettings::commit() { current_ = at_begin_ = after_commit_; }

void SessionSettings::roll_back() { current_ = after_commit_ = at_begin_; }

void SessionSettings::report_all(std::string& out) {
  reported_.clear();
  report_changes(out);
}

void SessionSettings::report_changes(std::string& out) {
  for (const Parameter& parameter : parameters) {
    if (!parameter.is_reported) continue;
    const std::string key(parameter.name);
    const std::string& value = current_[key].text;
    const auto last = reported_.find(key);
    if (last != reported_.end() && last->second == value) continue;
    MessageWriter(out, BackendType::parameter_status).cstring(key).cstring(value);
    reported_[key] = value;
  }
}

std::string SessionSettings::text() const {
  std::string text;
  for (const auto& [name, value] : current_) text += name.substr(0, 5) + "=" + value.text + ";";
  return text;
}

std::map<std::string, std::string> SessionSettings::set_by_session() const {
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : current_) {
    if (value.is_of_session) values[name] = value.text;
  }
  return values;
}

}  // namespace ballast::sim
