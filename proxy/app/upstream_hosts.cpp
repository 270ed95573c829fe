#include "proxy/app/upstream_hosts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <arpa/inet.h>

#include "proxy/app/conninfo.hpp"

namespace ballast {
namespace {

constexpr std::string_view postgresql_port = "5432";

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t comma = text.find(','); comma != std::string::npos; comma = text.find(',', begin)) {
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// What isn't a name or an address is most likely a piece of a password, so it isn't quoted.
void check_host(std::string_view host) {
  if (is_socket_folder(host)) return;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0 ||
           std::string_view("._-:%").find(c) != std::string_view::npos;
  };
  if (host.empty()) throw UpstreamUrlError("has no host; use postgresql://user:password@host/database");
  if (!std::ranges::all_of(host, fits)) {
    throw UpstreamUrlError("has a host that is neither a name nor an address; percent-encode the password");
  }
}

void check_address(const std::string& address) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  const std::string without_zone = address.substr(0, address.find('%'));
  if (inet_pton(AF_INET, address.c_str(), binary.data()) == 1) return;
  if (inet_pton(AF_INET6, without_zone.c_str(), binary.data()) == 1) return;
  throw UpstreamUrlError("has a hostaddr that isn't a numeric address; put names in host");
}

std::uint16_t port_of(const std::string& text) {
  const std::string_view digits = text.empty() ? postgresql_port : std::string_view(text);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error == std::errc() && end == digits.data() + digits.size() && port != 0) return port;
  throw UpstreamUrlError("has a port that isn't 1 to 65535; if the password holds : or /, percent-encode it");
}

void match_counts(std::size_t count, std::size_t hosts, const std::string& what) {
  if (count == hosts || count == 1) return;
  throw UpstreamUrlError("has " + std::to_string(count) + " " + what + " for " + std::to_string(hosts) +
                         " hosts; give one for each, or one for all");
}

std::string lower(std::string_view text) {
  std::string name(text);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

}  // namespace

std::vector<UpstreamHost> upstream_hosts(const std::string& names, const std::string& addresses,
                                         const std::string& ports) {
  if (names.empty() && addresses.empty()) {
    throw UpstreamUrlError("has no host; use postgresql://user:password@host/database");
  }
  const std::vector<std::string> name_list = split_list(names);
  const std::vector<std::string> address_list = split_list(addresses);
  const std::vector<std::string> port_list = split_list(ports);
  const std::size_t count = addresses.empty() ? name_list.size() : address_list.size();
  if (!names.empty() && name_list.size() != count) {
    throw UpstreamUrlError("has " + std::to_string(name_list.size()) + " host names for " +
                           std::to_string(count) + " hostaddr values; give as many of both");
  }
  match_counts(port_list.size(), count, "ports");
  std::vector<UpstreamHost> hosts;
  for (std::size_t i = 0; i < count; ++i) {
    UpstreamHost host;
    if (!names.empty()) host.host = name_list[i];
    if (!addresses.empty()) host.hostaddr = address_list[i];
    if (host.hostaddr.empty() || !host.host.empty()) check_host(host.host);
    if (!host.hostaddr.empty()) check_address(host.hostaddr);
    host.port = port_of(port_list.size() == 1 ? port_list[0] : port_list[i]);
    hosts.push_back(std::move(host));
  }
  return hosts;
}

bool is_socket_folder(std::string_view host) { return host.starts_with('/') || host.starts_with('@'); }

bool is_neon_host(std::string_view host) {
  std::string name = lower(host);
  if (name.ends_with('.')) name.pop_back();
  return name.ends_with(".neon.tech") || name.ends_with(".neon.build");
}

// The first label is the endpoint, whatever follows it (neon.com/docs, "Connection pooling").
std::string direct_neon_host(std::string_view host) {
  constexpr std::string_view suffix = "-pooler";
  const std::size_t label = host.find('.');
  if (!is_neon_host(host) || !lower(host.substr(0, label)).ends_with(suffix)) return {};
  return std::string(host.substr(0, label - suffix.size())) + std::string(host.substr(label));
}

}  // namespace ballast
