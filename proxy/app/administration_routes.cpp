#include "proxy/app/administration_routes.hpp"

#include <chrono>
#include <utility>

#include "proxy/app/query_string.hpp"
#include "proxy/base/json_writer.hpp"

namespace ballast {

namespace {

using Command = std::function<void(const HttpRequest&, Administration::Done)>;
using std::chrono::steady_clock;

int status_of(const PgError& error) {
  if (error.sqlstate == sqlstate::invalid_catalog_name) return 404;
  if (error.sqlstate == sqlstate::not_in_prerequisite_state) return 409;
  return error.sqlstate == sqlstate::config_file_error ? 422 : 503;
}

HttpAnswer answer(int status, JsonWriter& body) {
  return {status, "application/json", body.take() + "\n", {}};
}

HttpAnswer refusal(const PgError& error) {
  JsonWriter body;
  body.begin_object().field("error", error.message).field("detail", error.detail).end_object();
  return answer(status_of(error), body);
}

HttpAnswer success(const std::string& state, steady_clock::duration took) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  JsonWriter body;
  body.begin_object().field("status", state);
  body.field("seconds", static_cast<double>(ms) / 1000).end_object();
  return answer(200, body);
}

// Answered with the new state, and how long it took.
HttpRoute route(std::string path, std::string state, std::string summary, Command command) {
  HttpRoute made;
  made.method = "POST";
  made.path = std::move(path);
  made.right = HttpRoute::Right::change;
  made.summary = std::move(summary);
  made.content_type = "application/json";
  made.responses = {{200, "Done: the new state, and how long it took."},
                    {409, "It is so already, or can't be at the moment."},
                    {503, "It has failed: why."}};
  made.handler = [state = std::move(state), command = std::move(command)](const HttpRequest& request,
                                                                          HttpServer::Reply reply) {
    const auto began = steady_clock::now();
    command(request, [state, began, reply = std::move(reply)](const PgError& error) {
      reply(error.message.empty() ? success(state, steady_clock::now() - began) : refusal(error));
    });
  };
  return made;
}

HttpRoute route_of_database(std::string path, std::string state, std::string summary, Command command) {
  HttpRoute made = route(std::move(path), std::move(state), std::move(summary), std::move(command));
  made.parameters.push_back({"database", "That one only."});
  made.responses.push_back({404, "There is no such database."});
  return made;
}

}  // namespace

std::vector<HttpRoute> administration_routes(Administration& administration) {
  std::vector<HttpRoute> routes;
  routes.push_back(route_of_database(
      "/pause", "paused", "Servers are closed as they become free; clients wait until it is resumed.",
      [&administration](const HttpRequest& request, Administration::Done done) {
        administration.pause(query_parameter(request.query, "database"), std::move(done));
      }));
  routes.push_back(
      route_of_database("/resume", "active", "Clients are served again.",
                        [&administration](const HttpRequest& request, Administration::Done done) {
                          administration.resume(query_parameter(request.query, "database"), std::move(done));
                        }));
  routes.push_back(route("/reload", "reloaded", "Settings, users and certificates are read again.",
                         [&administration](const HttpRequest&, Administration::Done done) {
                           administration.reload(std::move(done));
                         }));
  routes.back().responses.push_back({422, "Something is wrong with them; all stays as it was."});
  routes.push_back(route("/drain", "draining", "As SIGTERM: no new clients, running transactions may finish.",
                         [&administration](const HttpRequest&, Administration::Done done) {
                           administration.shutdown(Shutdown::drain, std::move(done));
                         }));
  routes.push_back(route("/warmup", "warm", "A server is connected, which wakes the database.",
                         [&administration](const HttpRequest&, Administration::Done done) {
                           administration.warm_up(std::move(done));
                         }));
  return routes;
}

}  // namespace ballast
