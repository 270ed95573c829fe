#include "proxy/app/operations.hpp"

#include <utility>

namespace ballast {

namespace {

HttpAnswer json(int status, std::string body) { return {status, "application/json", std::move(body) + "\n"}; }

// In a time that does not depend on where they differ.
bool is_same_secret(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) difference |= static_cast<unsigned>(one[i] ^ other[i]);
  return difference == 0;
}

HttpAnswer database_health(const Census& census) {
  const bool is_bad = census.upstream == Upstream::State::down || census.upstream == Upstream::State::refused;
  return json(is_bad ? 503 : 200, "{\"state\": \"" + std::string(name_of(census.upstream)) + "\"}");
}

HttpAnswer metrics(const Census& census) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", exposition(census)};
}

}  // namespace

bool Operations::may_ask(const HttpRequest& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given = request.authorization;
  return token_.empty() || (given.starts_with(scheme) && is_same_secret(given.substr(scheme.size()), token_));
}

void Operations::handle(const HttpRequest& request, HttpServer::Reply reply) const {
  if (request.method != "GET" && request.method != "HEAD") return reply({405, {}, "only GET\n"});
  const std::string& path = request.path;
  if (path == "/live") return reply({200, {}, "live\n"});
  if (path == "/health")
    return reply(json(200, "{\"status\": \"ok\", \"version\": \"" BALLAST_VERSION "\"}"));
  if (path == "/ready")
    return reply(is_draining_ ? HttpAnswer{503, {}, "draining\n"} : HttpAnswer{200, {}, "ready\n"});
  if (!may_ask(request)) return reply({401, {}, "http_token is wanted: Authorization: Bearer TOKEN\n"});
  const auto with_census = [this, &reply](HttpAnswer (*answer)(const Census&)) {
    take_census_([reply = std::move(reply), answer](const Census& census) { reply(answer(census)); });
  };
  if (path == "/metrics") return with_census(metrics);
  if (path == "/health/db") return with_census(database_health);
  reply({404, {}, "there are /live, /ready, /health, /health/db and /metrics\n"});
}

}  // namespace ballast
