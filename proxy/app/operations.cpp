#include "proxy/app/operations.hpp"

#include <algorithm>
#include <utility>

#include "protocol/digest.hpp"

#include "proxy/app/database_health.hpp"
#include "proxy/app/http_host.hpp"
#include "proxy/app/metrics.hpp"
#include "proxy/app/open_api.hpp"
#include "proxy/app/query_string.hpp"
#include "proxy/app/statistics_json.hpp"
#include "proxy/app/status_page.hpp"

namespace ballast {

namespace {

using Right = HttpRoute::Right;

constexpr const char* json_type = "application/json";
constexpr const char* text_type = "text/plain; charset=utf-8";
constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer json(int status, std::string body) { return {status, json_type, std::move(body) + "\n", {}}; }
HttpAnswer text(int status, std::string body) { return {status, text_type, std::move(body) + "\n", {}}; }

}  // namespace

Operations::Operations(Sources sources) : sources_(std::move(sources)) {
  add_process();
  add_figures();
  add_database();
}

void Operations::add_process() {
  add({"GET",
       "/",
       Right::anybody,
       [](const HttpRequest&, const HttpServer::Reply& reply) { reply(status_page()); },
       "The status page, for people.",
       "text/html; charset=utf-8",
       {{200, "The page."}}});
  add({"GET",
       "/live",
       Right::anybody,
       [](const HttpRequest&, const HttpServer::Reply& reply) { reply(text(200, "live")); },
       "Does the process answer?",
       text_type,
       {{200, "It does."}}});
  add({"GET",
       "/ready",
       Right::anybody,
       [this](const HttpRequest&, const HttpServer::Reply& reply) {
         reply(sources_.is_leaving() ? text(503, "draining") : text(200, "ready"));
       },
       "Are clients taken?",
       text_type,
       {{200, "They are."}, {503, "It drains: no new clients."}}});
  add({"GET",
       "/health",
       Right::anybody,
       [](const HttpRequest&, const HttpServer::Reply& reply) {
         reply(json(200, R"({"status": "ok", "version": ")" BALLAST_VERSION R"("})"));
       },
       "Is the process well? Says nothing of the database.",
       json_type,
       {{200, "Its version."}}});
  add({"GET",
       "/openapi.json",
       Right::anybody,
       [this](const HttpRequest&, const HttpServer::Reply& reply) { reply(json(200, open_api(routes_))); },
       "This document.",
       json_type,
       {{200, "OpenAPI 3.0."}}});
}

void Operations::add_figures() {
  add({"GET",
       "/metrics",
       Right::read,
       [this](const HttpRequest&, const HttpServer::Reply& reply) {
         sources_.take_census([reply](const Census& census) {
           reply({200, metrics_type, exposition(census), {}});
         });
       },
       "Metrics in Prometheus' text format, version 0.0.4.",
       metrics_type,
       {{200, "The metrics."}}});
  add({"GET",
       "/stats",
       Right::read,
       [this](const HttpRequest&, const HttpServer::Reply& reply) {
         sources_.take_census([this, reply](const Census& census) {
           reply(json(200, statistics_json(census, sources_.chronicle())));
         });
       },
       "Pools, clients, servers, limits and the database, as they stand now; latencies are of the last "
       "minute.",
       json_type,
       {{200, "The figures."}}});
  add({"GET",
       "/stats/history",
       Right::read,
       [this](const HttpRequest&, const HttpServer::Reply& reply) {
         reply(json(200, history_json(sources_.chronicle())));
       },
       "How things stood in the last 15 minutes, in steps of 5 seconds.",
       json_type,
       {{200, "A list for each figure; all lists are of the same length, oldest first."}}});
}

void Operations::add_database() {
  add({"GET",
       "/health/db",
       Right::read,
       [this](const HttpRequest& request, const HttpServer::Reply& reply) {
         const auto effort = query_parameter(request.query, "wake") == "1"
                                 ? DatabaseProbe::Effort::wake
                                 : DatabaseProbe::Effort::leave_asleep;
         sources_.ask_database(effort, [reply](const DatabaseProbe::Outcome& outcome) {
           reply(json(is_well(outcome) ? 200 : 503, database_health_json(outcome)));
         });
       },
       "Is the database well? Answers within 2 s. It is asked over an idle server connection, unless that "
       "would wake it or keep it awake.",
       json_type,
       {{200, "It answers, or sleeps, or is not known to be unwell."},
        {503, "It is down, lets nobody in, or does not answer."}},
       {{"wake", "1: asks in any case, and wakes it if it sleeps."}}});
}

// A browser of this machine, by a page whose name leads here: it would show that page what it gets.
bool Operations::may_be_misled(const HttpRequest& request) const {
  return token_.empty() && request.is_local && !is_beyond_dns(request.host);
}

// Empty: it may.
std::string Operations::why_not(Right right, const HttpRequest& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = request.authorization;
  const bool knows_token =
      given.starts_with(scheme) && equal_in_constant_time(given.substr(scheme.size()), token_);
  if (right == Right::anybody || (!token_.empty() && knows_token)) return {};
  if (!token_.empty()) return "http_token is wanted: Authorization: Bearer TOKEN";
  // A page that somebody here looks at could ask for anything here, too.
  if (right == Right::read || (request.is_local && request.origin.empty())) return {};
  return "this needs http_token to be set, and sent: Authorization: Bearer TOKEN";
}

const HttpRoute* Operations::find(std::string_view method, std::string_view path) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const HttpRoute& route) {
    return route.path == path && route.method == method;
  });
  return found == routes_.end() ? nullptr : &*found;
}

bool Operations::is_known(std::string_view path) const {
  return std::any_of(routes_.begin(), routes_.end(),
                     [path](const HttpRoute& route) { return route.path == path; });
}

std::string Operations::paths() const {
  std::string paths;
  for (const HttpRoute& route : routes_) paths += " " + route.path;
  return paths;
}

// With what it takes (RFC 9110 section 15.5.6).
HttpAnswer Operations::refuse_method(std::string_view path) const {
  std::string allowed;
  for (const HttpRoute& route : routes_) {
    if (route.path != path) continue;
    allowed += (allowed.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
  }
  HttpAnswer answer = text(405, "only " + allowed);
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

void Operations::handle(const HttpRequest& request, HttpServer::Reply reply) const {
  const HttpRoute* const route = find(request.method == "HEAD" ? "GET" : request.method, request.path);
  if (route == nullptr && is_known(request.path)) return reply(refuse_method(request.path));
  // Who may not ask for anything is not told what there is.
  const Right right = route != nullptr ? route->right : Right::read;
  if (right != Right::anybody && may_be_misled(request))
    return reply(
        text(421, "from this machine ask by an address or by localhost; by a name only with http_token"));
  std::string why = why_not(right, request);
  if (!why.empty()) {
    HttpAnswer answer = text(401, std::move(why));
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply(std::move(answer));
  }
  if (route == nullptr) return reply(text(404, "there are:" + paths()));
  route->handler(request, std::move(reply));
}

}  // namespace ballast
