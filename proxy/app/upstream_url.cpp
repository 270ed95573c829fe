#include "proxy/app/upstream_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "proxy/app/password_file.hpp"
#include "proxy/app/upstream_hosts.hpp"
#include "proxy/base/printable.hpp"

namespace ballast {
namespace {

// Indexed by the enums.
constexpr std::array<std::string_view, 6> sslmodes{"disable", "allow",     "prefer",
                                                   "require", "verify-ca", "verify-full"};
constexpr std::array<std::string_view, 2> sslnegotiations{"postgres", "direct"};
constexpr std::array<std::string_view, 3> channel_bindings{"disable", "prefer", "require"};
constexpr std::array<std::string_view, 4> tls_versions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

std::string text_of(const ConnectionParameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

[[noreturn]] void refuse(const std::string& name, const std::string& value, const std::string& remedy) {
  throw UpstreamUrlError("has " + name + "=\"" + printable(value) + "\"; " + remedy);
}

std::string list_of(std::span<const std::string_view> words) {
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  return list;
}

// The index of a word parameter; nothing if it isn't given.
std::optional<std::size_t> word_of(const ConnectionParameters& parameters, const std::string& name,
                                   std::span<const std::string_view> words) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::nullopt;
  const auto word = std::find(words.begin(), words.end(), found->second);
  if (word == words.end()) refuse(name, found->second, "use one of " + list_of(words));
  return static_cast<std::size_t>(word - words.begin());
}

std::optional<int> number_of(const ConnectionParameters& parameters, const std::string& name) {
  const std::string text = text_of(parameters, name);
  if (text.empty()) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) refuse(name, text, "use a whole number");
  return number;
}

// ---- What Ballast can't do, or does only one way: silence would be a lie. Empty counts as not given.

struct Fixed {
  std::string name;
  std::vector<std::string_view> accepted;
  std::string remedy;
};

void refuse_unsupported(const ConnectionParameters& parameters) {
  static const std::vector<Fixed> fixed{
      {"target_session_attrs", {"any"}, "only any is supported: name the host that should be used"},
      {"load_balance_hosts", {"disable"}, "hosts are tried in their order: remove it"},
      {"gssencmode", {"disable", "prefer", "allow"}, "GSSAPI isn't supported: remove it"},
      {"gssdelegation", {"0"}, "GSSAPI isn't supported: remove it"},
      {"require_auth", {}, "not supported: remove it, or use channel_binding=require"},
      {"sslcertmode", {"allow", "disable"}, "use allow or disable"},
      {"requirepeer", {}, "not supported: remove it"},
      {"sslcrldir", {}, "not supported: use sslcrl"},
      {"sslkeylogfile", {}, "not supported: remove it"},
      {"replication", {"false", "off", "no", "0"}, "clients ask for replication themselves: remove it"},
      {"min_protocol_version", {"3.0"}, "use 3.0 or remove it"},
      {"max_protocol_version", {"3.0", "3.2", "latest"}, "use 3.0, 3.2 or latest"},
  };
  for (const Fixed& rule : fixed) {
    const std::string value = text_of(parameters, rule.name);
    if (value.empty() || std::ranges::find(rule.accepted, value) != rule.accepted.end()) continue;
    refuse(rule.name, value, rule.remedy);
  }
  for (const char* name : {"scram_client_key", "scram_server_key", "oauth_issuer", "oauth_client_id",
                           "oauth_client_secret", "oauth_scope", "servicefile"}) {
    if (text_of(parameters, name).empty()) continue;  // the value may be a secret
    throw UpstreamUrlError("has " + std::string(name) + ", which isn't supported; remove it");
  }
}

// ---- TLS

bool serves_neon(const UpstreamTarget& target) {
  return std::ranges::any_of(target.hosts, is_neon_host, &UpstreamHost::host);
}

// Neon's certificates come from a public root (neon.tech, "Connect securely"), so its hosts can be verified
// with no file at hand. Elsewhere libpq's defaults hold, those of PostgreSQL 16 for sslrootcert=system
// included.
void choose_sslmode(UpstreamTarget& target, const ConnectionParameters& parameters) {
  const std::optional<std::size_t> given = word_of(parameters, "sslmode", sslmodes);
  const bool neon = target.is_neon;
  const bool system_roots = target.sslrootcert == "system";
  if (given) {
    target.sslmode = static_cast<SslMode>(*given);
  } else if (neon || system_roots) {
    target.sslmode = SslMode::verify_full;
  }
  if (neon) target.sslsni = true;  // the name is how Neon finds the database
  if (neon && target.sslmode == SslMode::verify_full && target.sslrootcert.empty()) {
    target.sslrootcert = "system";
  }
  if (system_roots && target.sslmode != SslMode::verify_full) {
    refuse("sslrootcert", "system", "it needs sslmode=verify-full");
  }
}

void choose_tls_versions(UpstreamTarget& target, const ConnectionParameters& parameters) {
  const std::string least = text_of(parameters, "ssl_min_protocol_version");
  const std::string most = text_of(parameters, "ssl_max_protocol_version");
  std::size_t least_index = 2;
  std::size_t most_index = tls_versions.size() - 1;
  if (!least.empty()) {
    least_index = *word_of(parameters, "ssl_min_protocol_version", tls_versions);
    target.ssl_min_protocol_version = least;
  }
  if (!most.empty()) {
    most_index = *word_of(parameters, "ssl_max_protocol_version", tls_versions);
    target.ssl_max_protocol_version = most;
  }
  if (least_index > most_index) {
    refuse("ssl_max_protocol_version", most, "it is below ssl_min_protocol_version");
  }
}

void read_tls(UpstreamTarget& target, const ConnectionParameters& parameters) {
  target.sslrootcert = text_of(parameters, "sslrootcert");
  target.sslcrl = text_of(parameters, "sslcrl");
  if (text_of(parameters, "sslcertmode") != "disable") {
    target.sslcert = text_of(parameters, "sslcert");
    target.sslkey = text_of(parameters, "sslkey");
    target.sslpassword = text_of(parameters, "sslpassword");
  }
  target.sslsni = text_of(parameters, "sslsni") != "0";
  target.is_neon = serves_neon(target);
  choose_sslmode(target, parameters);
  choose_tls_versions(target, parameters);
  if (const auto given = word_of(parameters, "sslnegotiation", sslnegotiations)) {
    target.sslnegotiation = static_cast<SslNegotiation>(*given);
  } else if (target.is_neon && target.sslmode >= SslMode::require) {
    target.sslnegotiation =
        SslNegotiation::direct;  // a trip less; Neon takes it (neon.com, "Connection latency")
  }
  if (target.sslnegotiation == SslNegotiation::direct && target.sslmode < SslMode::require) {
    refuse("sslnegotiation", "direct", "it needs sslmode=require, verify-ca or verify-full");
  }
  if (const auto given = word_of(parameters, "channel_binding", channel_bindings)) {
    target.channel_binding = static_cast<ChannelBinding>(*given);
  }
}

// ---- The session, the socket, the password

void read_session(UpstreamTarget& target, const ConnectionParameters& parameters) {
  target.user = text_of(parameters, "user");
  if (target.user.empty()) target.user = system_user();
  target.dbname = text_of(parameters, "dbname");
  if (target.dbname.empty()) target.dbname = target.user;
  target.options = text_of(parameters, "options");
  target.application_name = text_of(parameters, "application_name");
  if (target.application_name.empty()) {
    target.application_name = text_of(parameters, "fallback_application_name");
  }
  target.client_encoding = text_of(parameters, "client_encoding");
  if (target.client_encoding == "auto")
    target.client_encoding.clear();  // no terminal whose locale would count
}

// Neon's proxies and the load balancers before them forget a connection without a word (an idle one after 350
// s); the system's own defaults would find that out after hours. TCP's probes are no activity to the
// database.
constexpr int neon_keepalives_idle_s = 30;
constexpr int neon_keepalives_interval_s = 10;
constexpr int neon_keepalives_count = 3;
constexpr int neon_tcp_user_timeout_ms = 30'000;

void read_socket(UpstreamTarget& target, const ConnectionParameters& parameters) {
  // libpq waits at least two seconds, and for ever with zero or less.
  const int timeout_s = number_of(parameters, "connect_timeout").value_or(0);
  target.connect_timeout = std::chrono::seconds(timeout_s == 1 ? 2 : std::max(timeout_s, 0));
  const auto at_least_0 = [&](const char* name, int for_neon) {
    return std::max(number_of(parameters, name).value_or(target.is_neon ? for_neon : 0), 0);
  };
  target.keepalives = number_of(parameters, "keepalives").value_or(1) != 0;
  target.keepalives_idle = std::chrono::seconds(at_least_0("keepalives_idle", neon_keepalives_idle_s));
  target.keepalives_interval =
      std::chrono::seconds(at_least_0("keepalives_interval", neon_keepalives_interval_s));
  target.keepalives_count = at_least_0("keepalives_count", neon_keepalives_count);
  target.tcp_user_timeout =
      std::chrono::milliseconds(at_least_0("tcp_user_timeout", neon_tcp_user_timeout_ms));
}

// The password file knows a local server as localhost: manual 34.16.
std::string password_host(const UpstreamHost& host) {
  if (host.host.empty()) return host.hostaddr;
  return host.host == "/var/run/postgresql" ? "localhost" : host.host;
}

void read_password(UpstreamTarget& target, const ConnectionParameters& parameters,
                   const Environment& environment) {
  target.password = text_of(parameters, "password");
  if (!target.password.empty()) return;
  std::string file = text_of(parameters, "passfile");
  if (file.empty()) file = home_folder(environment) + "/.pgpass";
  std::vector<std::string> found;
  for (const UpstreamHost& host : target.hosts) {
    const PasswordQuery query{password_host(host), std::to_string(host.port), target.dbname, target.user};
    try {
      if (auto password = read_password(file, query)) found.push_back(std::move(*password));
    } catch (const PasswordFileError& failure) {
      throw UpstreamUrlError("has no password, and the " + std::string(failure.what()));
    }
  }
  if (std::ranges::adjacent_find(found, std::ranges::not_equal_to()) != found.end()) {
    throw UpstreamUrlError("has hosts with different passwords in the password file; serve one of them");
  }
  if (!found.empty()) target.password = found.front();
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[static_cast<unsigned char>(c) >> 4];
      encoded += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

std::string shown_host(const UpstreamHost& host) {
  const std::string name = host.host.empty() ? host.hostaddr : host.host;
  const bool ipv6 = name.find(':') != std::string::npos && !is_socket_folder(name);
  const std::string shown = ipv6 ? "[" + name + "]" : percent_encoded(name);
  return shown + ":" + std::to_string(host.port);
}

}  // namespace

UpstreamTarget parse_upstream_url(std::string_view text, const Environment& environment) {
  ConnectionParameters parameters = parse_conninfo(text);
  add_defaults(parameters, environment);
  refuse_unsupported(parameters);
  UpstreamTarget target;
  target.hosts = upstream_hosts(text_of(parameters, "host"), text_of(parameters, "hostaddr"),
                                text_of(parameters, "port"));
  read_session(target, parameters);
  read_tls(target, parameters);
  read_socket(target, parameters);
  read_password(target, parameters, environment);
  return target;
}

std::string shown_url(const UpstreamTarget& target) {
  std::string hosts;
  for (const UpstreamHost& host : target.hosts) hosts += (hosts.empty() ? "" : ",") + shown_host(host);
  std::string url = "postgresql://" + percent_encoded(target.user) + "@" + hosts + "/" +
                    percent_encoded(target.dbname) + "?sslmode=" + std::string(sslmode_name(target.sslmode));
  if (!target.sslrootcert.empty()) url += "&sslrootcert=" + percent_encoded(target.sslrootcert);
  return url;
}

std::string_view sslmode_name(SslMode mode) { return sslmodes[static_cast<std::size_t>(mode)]; }

}  // namespace ballast
