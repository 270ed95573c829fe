#include "proxy/app/connection_keywords.hpp"

#include <array>
#include <memory>

#include <libpq-fe.h>

#include "proxy/app/conninfo.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

using Keyword = std::pair<std::string_view, std::string_view>;  // its name and its environment variable

// Keywords of PostgreSQL 16 to 18, which Debian's libpq 15 refuses.
constexpr std::array<Keyword, 15> newer_keywords{{{"gssdelegation", "PGGSSDELEGATION"},
                                                  {"load_balance_hosts", "PGLOADBALANCEHOSTS"},
                                                  {"max_protocol_version", "PGMAXPROTOCOLVERSION"},
                                                  {"min_protocol_version", "PGMINPROTOCOLVERSION"},
                                                  {"oauth_client_id", ""},
                                                  {"oauth_client_secret", ""},
                                                  {"oauth_issuer", ""},
                                                  {"oauth_scope", ""},
                                                  {"require_auth", "PGREQUIREAUTH"},
                                                  {"scram_client_key", ""},
                                                  {"scram_server_key", ""},
                                                  {"servicefile", ""},
                                                  {"sslcertmode", "PGSSLCERTMODE"},
                                                  {"sslkeylogfile", ""},
                                                  {"sslnegotiation", "PGSSLNEGOTIATION"}}};

// Parameters that other programs want in a URL. Saying whose they are is the shortest way to take them out.
constexpr std::array<std::string_view, 10> foreign_parameters{
    "connection_limit", "pgbouncer",      "pool_timeout", "prepareThreshold", "schema",
    "search_path",      "socket_timeout", "sslaccept",    "sslidentity",      "statement_cache_size"};

// An unknown name may be a piece of an unquoted password, so it is printed only if it is a well-known one.
[[noreturn]] void refuse_unknown(std::string_view name) {
  for (const std::string_view foreign : foreign_parameters) {
    if (foreign == name) {
      throw UpstreamUrlError("has the parameter \"" + std::string(name) +
                             "\", which isn't libpq's; remove it");
    }
  }
  const auto keywords = connection_keywords();
  std::vector<std::string_view> names;
  for (const auto& keyword : keywords) names.push_back(keyword.first);
  const std::string_view nearest = nearest_name(name, names);
  throw UpstreamUrlError("has a parameter that isn't libpq's" +
                         (nearest.empty() ? "; remove it, or quote what belongs to a value"
                                          : "; did you mean \"" + std::string(nearest) + "\"?"));
}

}  // namespace

bool is_newer_keyword(std::string_view name) {
  for (const Keyword& keyword : newer_keywords) {
    if (keyword.first == name) return true;
  }
  return false;
}

// Every keyword with its environment variable. libpq's own come from libpq, so they are never out of date.
std::vector<std::pair<std::string, std::string>> connection_keywords() {
  std::vector<std::pair<std::string, std::string>> keywords;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconndefaults(),
                                                                               &PQconninfoFree);
  if (!options) throw UpstreamUrlError("out of memory");
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    keywords.emplace_back(option->keyword, option->envvar == nullptr ? "" : option->envvar);
  }
  for (const Keyword& keyword : newer_keywords) {
    keywords.emplace_back(keyword.first, keyword.second);
  }
  return keywords;
}

void check_keyword(std::string_view name) {
  for (const auto& keyword : connection_keywords()) {
    if (keyword.first == name) return;
  }
  refuse_unknown(name);
}

}  // namespace ballast
