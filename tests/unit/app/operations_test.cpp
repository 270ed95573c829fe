#include "proxy/app/operations.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "proxy/app/administration_routes.hpp"

#include "tests/unit/app/steered.hpp"

namespace ballast {
namespace {

struct Desk {
  Desk() {
    for (HttpRoute& route : administration_routes(steered.administration)) operations.add(std::move(route));
  }
  HttpAnswer ask(const std::string& path, const std::string& authorization = {},
                 const std::string& method = "GET") {
    std::optional<HttpAnswer> got;
    HttpRequest request;
    const std::size_t mark = path.find('?');
    request.method = method;
    request.path = path.substr(0, mark);
    if (mark != std::string::npos) request.query = path.substr(mark + 1);
    request.authorization = authorization;
    request.is_local = is_local;
    request.host = host;
    request.origin = origin;
    operations.handle(request, [&got](HttpAnswer answer) { got = std::move(answer); });
    steered.control.restart();
    steered.control.poll();
    REQUIRE(got);
    return *got;
  }
  HttpAnswer post(const std::string& path, const std::string& authorization = {}) {
    return ask(path, authorization, "POST");
  }

  bool is_local = true;
  std::string host = "127.0.0.1:9127";
  std::string origin;
  Steered steered;
  Census census;
  Chronicle chronicle;
  DatabaseProbe::Outcome outcome;
  std::optional<DatabaseProbe::Effort> effort;
  int taken = 0;
  Operations operations{
      {[this](const std::function<void(Census)>& done) {
         ++taken;
         done(census);
       },
       [this](DatabaseProbe::Effort wanted, const DatabaseProbe::Done& done) {
         effort = wanted;
         done(outcome);
       },
       [this]() -> const Chronicle& { return chronicle; },
       [this] { return steered.administration.state() == Administration::State::leaving; }}};
};

std::string header(const HttpAnswer& answer, const std::string& name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("the process is alive and well without asking anybody") {
  Desk desk;
  CHECK(desk.ask("/live").status == 200);
  const HttpAnswer health = desk.ask("/health");
  CHECK(health.status == 200);
  CHECK(health.content_type == "application/json");
  CHECK(health.body.starts_with("{\"status\": \"ok\", \"version\": \""));
  CHECK(desk.taken == 0);
}

TEST_CASE("it is ready until it drains") {
  Desk desk;
  CHECK(desk.ask("/ready").status == 200);
  CHECK(desk.post("/drain").status == 200);
  CHECK(desk.ask("/ready").status == 503);
  CHECK(desk.ask("/live").status == 200);
}

TEST_CASE("the database's health is bad while it is down or refuses, and not because it sleeps") {
  using State = Upstream::State;
  Desk desk;
  for (const State state :
       {State::unknown, State::awake, State::asleep, State::waking, State::down, State::refused}) {
    desk.outcome.upstream.state = state;
    const HttpAnswer answer = desk.ask("/health/db");
    const bool is_bad = state == State::down || state == State::refused;
    CHECK(answer.status == (is_bad ? 503 : 200));
    CHECK(answer.body.starts_with("{\"state\": \"" + std::string(name_of(state)) + "\""));
  }
}

TEST_CASE("the database is woken for who insists, and for nobody else") {
  Desk desk;
  for (const std::string query : {"", "?wake=0", "?wake=12", "?awake=1"}) {
    desk.ask("/health/db" + query);
    CHECK(desk.effort == DatabaseProbe::Effort::leave_asleep);
  }
  for (const std::string query : {"?wake=1", "?x=y&wake=1&z"}) {
    desk.ask("/health/db" + query);
    CHECK(desk.effort == DatabaseProbe::Effort::wake);
  }
}

TEST_CASE("the document describes each route, and each route that it describes answers") {
  Desk desk;
  desk.operations.set_token("s3cret");
  const std::string document = desk.ask("/openapi.json").body;
  for (const HttpRoute& route : desk.operations.routes()) {
    CAPTURE(route.path);
    CHECK(document.find("\"" + route.path + "\": {\"" + (route.method == "GET" ? "get" : "post") + "\"") !=
          std::string::npos);
    const HttpAnswer answer = desk.ask(route.path, "Bearer s3cret", route.method);
    CHECK(answer.content_type == route.content_type);
    CHECK(std::any_of(route.responses.begin(), route.responses.end(),
                      [&](const HttpRoute::Response& response) { return response.status == answer.status; }));
    const bool is_open = desk.ask(route.path, {}, route.method).status != 401;
    CHECK(is_open == (route.right == HttpRoute::Right::anybody));
  }
}

TEST_CASE("the page runs nothing but its own script, which its policy names by its hash") {
  Desk desk;
  const HttpAnswer page = desk.ask("/");
  CHECK(page.status == 200);
  const std::string policy = header(page, "Content-Security-Policy");
  CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(policy.find("connect-src 'self'") != std::string::npos);
  CHECK(page.body.find("</html>") != std::string::npos);
  for (const std::string host : {"http://", "https://"}) {  // but for SVG's name
    const std::size_t at = page.body.find(host);
    CHECK((at == std::string::npos || page.body.substr(at).starts_with("http://www.w3.org/2000/svg")));
  }
}

TEST_CASE("with a token only who knows it sees more than that it lives") {
  Desk desk;
  desk.operations.set_token("s3cret");
  for (const std::string wrong :
       {"", "s3cret", "Bearer ", "Bearer s3cre", "Bearer s3creT", "Bearer s3cret2"}) {
    CAPTURE(wrong);
    CHECK(desk.ask("/metrics", wrong).status == 401);
    CHECK(desk.ask("/health/db", wrong).status == 401);
    CHECK(desk.ask("/nothing", wrong).status == 401);
  }
  CHECK(desk.taken == 0);
  CHECK(desk.ask("/metrics", "Bearer s3cret").status == 200);
  CHECK(desk.ask("/live").status == 200);
  CHECK(desk.ask("/ready").status == 200);
  CHECK(desk.ask("/health").status == 200);
}

TEST_CASE("without a token a name that leads to this machine reads nothing and changes nothing") {
  Desk desk;
  desk.host = "evil.example:9127";
  for (const std::string path : {"/metrics", "/stats", "/stats/history", "/health/db", "/nothing"}) {
    CAPTURE(path);
    const HttpAnswer answer = desk.ask(path);
    CHECK(answer.status == 421);
    CHECK(answer.body.find("http_token") != std::string::npos);
  }
  CHECK(desk.post("/pause").status == 421);
  CHECK(desk.taken == 0);
  for (const std::string path : {"/", "/live", "/ready", "/health", "/openapi.json"})
    CHECK(desk.ask(path).status == 200);
  desk.host = "localhost";
  CHECK(desk.ask("/metrics").status == 200);
  desk.host = "ballast:9127";  // as a Prometheus in another container has it
  desk.is_local = false;
  CHECK(desk.ask("/metrics").status == 200);
  desk.is_local = true;
  desk.operations.set_token("s3cret");
  CHECK(desk.ask("/metrics", "Bearer s3cret").status == 200);
}

TEST_CASE("what there is not is 404 with what there is, and what changes something is 405") {
  Desk desk;
  const HttpAnswer missing = desk.ask("/metric");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("/metrics") != std::string::npos);
  const HttpAnswer wrong = desk.ask("/metrics", {}, "POST");
  CHECK(wrong.status == 405);
  CHECK(header(wrong, "Allow") == "GET, HEAD");
}

TEST_CASE("a database is paused and resumed by a POST, with its state or the error for an answer") {
  Desk desk;
  CHECK(desk.ask("/pause").status == 405);
  CHECK(desk.post("/pause?database=shop").body.starts_with("{\"status\": \"paused\", \"seconds\": 0"));
  CHECK(desk.steered.administration.gates().is_paused("shop"));
  CHECK_FALSE(desk.steered.administration.gates().is_paused("app"));
  CHECK(desk.post("/resume?database=s%68op").status == 200);
  CHECK_FALSE(desk.steered.administration.gates().is_paused("shop"));
  CHECK(desk.post("/resume").status == 409);
  const HttpAnswer unknown = desk.post("/pause?database=%22");
  CHECK(unknown.status == 404);
  CHECK(unknown.body == "{\"error\": \"no such database: \\\"\", \"detail\": \"\"}\n");
}

TEST_CASE("who changes something knows the token; without one it asks from this machine, and is no page") {
  Desk desk;
  desk.is_local = false;
  CHECK(desk.post("/pause").status == 401);
  CHECK(desk.ask("/metrics").status == 200);
  desk.is_local = true;
  desk.origin = "http://127.0.0.1:9127";
  CHECK(desk.post("/pause").status == 401);
  desk.origin = "";
  CHECK(desk.post("/pause").status == 200);
  desk.operations.set_token("s3cret");
  CHECK(desk.post("/resume").status == 401);
  CHECK(desk.post("/resume", "Bearer s3cre").status == 401);
  desk.is_local = false;
  desk.origin = "http://elsewhere";
  CHECK(desk.post("/resume", "Bearer s3cret").status == 200);
}

}  // namespace ballast
