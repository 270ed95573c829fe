#include "tests/neon/rules/route.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {
namespace {

constexpr std::string_view pooler_suffix = "-pooler";
constexpr std::array<std::string_view, 2> endpoint_names{"endpoint=", "project="};
constexpr std::string_view neon_prefix = "neon_";
constexpr std::string_view compatibility = "neon_proxy_params_compat:true";

std::vector<std::string_view> words_of(std::string_view options) {
  std::vector<std::string_view> words;
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(' '), options.size());
    if (end > 0) words.push_back(options.substr(0, end));
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return words;
}

std::optional<std::string_view> endpoint_of(std::string_view word) {
  for (const std::string_view name : endpoint_names)
    if (word.starts_with(name)) return word.substr(name.size());
  return std::nullopt;
}

// Named twice, it counts as not named.
std::string option_of(std::string_view options) {
  std::string found;
  for (const std::string_view word : words_of(options)) {
    const auto endpoint = endpoint_of(word);
    if (!endpoint) continue;
    if (!found.empty()) return {};
    found = *endpoint;
  }
  return found;
}

std::string first_label(std::string_view server_name, std::string_view domain) {
  const std::size_t dot = server_name.find('.');
  if (dot == std::string_view::npos || server_name.substr(dot + 1) != domain) return {};
  return std::string(server_name.substr(0, dot));
}

bool is_endpoint_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Route find_route(std::string_view server_name, std::string_view domain, std::string_view options) {
  Route route;
  route.sni = first_label(server_name, domain);
  route.option = option_of(options);
  if (!route.sni.empty() && !route.option.empty() && route.sni != route.option) {
    route.error_row = row::two_endpoints;
    return route;
  }
  route.endpoint = route.sni.empty() ? route.option : route.sni;
  if (!is_endpoint_name(route.endpoint)) route.error_row = row::bad_endpoint;
  return route;
}

std::optional<std::pair<std::string, std::string>> read_password_hack(std::string_view password) {
  const auto endpoint = endpoint_of(password);
  if (!endpoint) return std::nullopt;
  for (const char separator : {';', '$'}) {
    const std::size_t at = endpoint->find(separator);
    if (at != std::string_view::npos)
      return std::pair(std::string(endpoint->substr(0, at)), std::string(endpoint->substr(at + 1)));
  }
  return std::nullopt;
}

bool is_pooled(std::string_view endpoint) { return endpoint.ends_with(pooler_suffix); }

std::string without_pooler(std::string_view endpoint) {
  if (is_pooled(endpoint)) endpoint.remove_suffix(pooler_suffix.size());
  return std::string(endpoint);
}

std::string filter_options(std::string_view options) {
  std::string kept;
  for (const std::string_view word : words_of(options)) {
    if (endpoint_of(word) || word.starts_with(neon_prefix)) continue;
    if (!kept.empty()) kept.push_back(' ');
    kept.append(word);
  }
  return kept;
}

StartupParameters compute_parameters(const StartupMessage& startup, Whitelist whitelist) {
  StartupParameters kept{{"user", startup.user}, {"database", startup.database}};
  for (const auto& [name, value] : startup.parameters) {
    const bool is_known = name == "application_name" || name == "replication";
    if (name == "options") {
      if (std::string options = filter_options(value); !options.empty())
        kept.emplace_back(name, std::move(options));
    } else if (name != "client_encoding" && (is_known || whitelist == Whitelist::lifted)) {
      kept.emplace_back(name, value);
    }
  }
  kept.emplace_back("client_encoding", "UTF8");
  return kept;
}

bool asks_for_all_parameters(std::string_view options) {
  const auto words = words_of(options);
  return std::find(words.begin(), words.end(), compatibility) != words.end();
}

std::string find_refused_option(std::string_view options) {
  static constexpr std::array<std::string_view, 6> known{"client_encoding",  "datestyle",
                                                         "timezone",         "standard_conforming_strings",
                                                         "application_name", "extra_float_digits"};
  const std::string kept = filter_options(options);
  for (std::string_view word : words_of(kept)) {
    if (word.starts_with("--")) word.remove_prefix(2);
    if (word.starts_with("-c")) word.remove_prefix(2);
    const std::size_t end = word.find('=');
    if (end == std::string_view::npos) continue;
    std::string name(word.substr(0, end));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (std::find(known.begin(), known.end(), name) == known.end()) return name;
  }
  return {};
}

}  // namespace ballast::neon
