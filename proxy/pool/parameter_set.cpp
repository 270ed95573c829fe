#include "proxy/pool/parameter_set.hpp"

#include <algorithm>
#include <array>

namespace ballast {
namespace {

constexpr std::size_t idle_sets_max = 1000;

// Reported, but not by SET's doing or not to be set by it: no server can be asked for them.
constexpr std::array<std::string_view, 6> not_settable{"in_hot_standby", "integer_datetimes",
                                                       "is_superuser",   "server_encoding",
                                                       "server_version", "session_authorization"};

std::string key_of(const ReportedParameters& values) {
  std::string key;
  for (const auto& [name, value] : values) key.append(name).append(1, '\0').append(value).append(1, '\0');
  return key;
}

std::string set_command(std::string_view name, std::string_view value) {
  // set_config() and not SET: SET would take a list apart and refuse some values that a startup packet may
  // carry.
  return "SELECT pg_catalog.set_config(" + quoted_literal(name) + "," + quoted_literal(value) + ",false);";
}

std::string quoted_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out.push_back(c);
    if (c == '.') out.insert(out.size() - 1, 1, '"'), out.push_back('"');
  }
  return out + '"';
}

// Who the session is. Changed last, and taken back first: what a client may set as itself, it may not as
// another.
constexpr std::array<std::string_view, 2> identities{"session_authorization", "role"};

bool is_identity(std::string_view name) {
  return std::find(identities.begin(), identities.end(), name) != identities.end();
}

const std::string* find(const ParameterSet& set, std::string_view name) {
  const auto found = set.values.find(name);
  return found == set.values.end() ? nullptr : &found->second;
}

bool differ(const ParameterSet& a, const ParameterSet& b, std::string_view name) {
  const std::string* const first = find(a, name);
  const std::string* const second = find(b, name);
  return (first == nullptr) != (second == nullptr) || (first != nullptr && *first != *second);
}

bool is_another(const ParameterSet& set) {
  return std::any_of(identities.begin(), identities.end(),
                     [&set](std::string_view name) { return find(set, name) != nullptr; });
}

}  // namespace

std::string quoted_literal(std::string_view value) {
  std::string out = value.find('\\') == std::string_view::npos ? "'" : "E'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
  return out;
}

ParameterSetRef ParameterSets::intern(ReportedParameters values) {
  std::string key = key_of(values);
  const auto known = sets_.find(key);
  if (known != sets_.end()) return known->second;
  auto set = std::make_shared<ParameterSet>();
  set->values = std::move(values);
  return sets_.emplace(std::move(key), std::move(set)).first->second;
}

ParameterSetRef ParameterSets::changed(const ParameterSet& from, std::string_view name,
                                       std::string_view value, const ReportedParameters& bare) {
  if (std::find(not_settable.begin(), not_settable.end(), name) != not_settable.end())
    return intern(from.values);
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  ReportedParameters values = from.values;
  const auto start = bare.find(name);
  if (start != bare.end() && start->second == value) {
    values.erase(lower);
  } else {
    values[lower] = value;
  }
  ParameterSetRef to = intern(std::move(values));
  if (from.proven() && !to->proven()) {
    to->reported = from.reported;
    to->reported[std::string(name)] = value;
  }
  return to;
}

void ParameterSets::sweep() {
  if (sets_.size() <= idle_sets_max) return;
  std::erase_if(sets_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

std::string set_commands(const ReportedParameters& values) {
  std::string query;
  for (const auto& [name, value] : values) {
    if (!is_identity(name)) query += set_command(name, value);
  }
  for (const std::string_view name : identities) {
    if (const auto found = values.find(name); found != values.end())
      query += set_command(name, found->second);
  }
  return query;
}

std::string transition(const ParameterSet& from, const ParameterSet& to) {
  std::string query;
  ReportedParameters values;
  for (const auto& [name, value] : from.values) {
    if (!to.values.contains(name) && !is_identity(name)) query += "RESET " + quoted_identifier(name) + ";";
  }
  for (const auto& [name, value] : to.values) {
    const std::string* const now = find(from, name);
    if (now == nullptr || *now != value) values[name] = value;
  }
  if (is_another(from) && from.values != to.values) {
    query.insert(0, "RESET ROLE;RESET SESSION AUTHORIZATION;");
    for (const std::string_view name : identities) {
      if (const std::string* const wanted = find(to, name)) values[std::string(name)] = *wanted;
    }
  }
  return query + set_commands(values);
}

bool may_be_refused(const ParameterSet& from, const ParameterSet& to) {
  constexpr std::array<std::string_view, 6> fragile{
      "session_authorization",       "role",
      "default_tablespace",          "temp_tablespaces",
      "default_table_access_method", "default_text_search_config"};
  // Who was another is itself for a moment, and its role is asked for again.
  if (is_another(from) && is_another(to) && from.values != to.values) return true;
  return std::any_of(fragile.begin(), fragile.end(), [&](std::string_view name) {
    return find(to, name) != nullptr && differ(from, to, name);
  });
}

bool is_parameter_name(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '$' || c >= 0x80;
  });
}

}  // namespace ballast
