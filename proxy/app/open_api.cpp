#include "proxy/app/open_api.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <vector>

#include "proxy/base/json_writer.hpp"

namespace ballast {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

// getHealthDb
std::string operation_id(const HttpRoute& route) {
  std::string id = lower(route.method);
  bool begins_word = true;
  for (const char letter : route.path) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0) id += static_cast<char>(begins_word ? std::toupper(byte) : byte);
    begins_word = std::isalnum(byte) == 0;
  }
  return id;
}

void write_response(JsonWriter& json, const HttpRoute& route, const HttpRoute::Response& response) {
  json.key(std::to_string(response.status)).begin_object().field("description", response.description);
  const std::string type = route.content_type.substr(0, route.content_type.find(';'));
  json.key("content").begin_object().key(type).begin_object().key("schema").begin_object();
  json.field("type", type == "application/json" ? "object" : "string");
  json.end_object().end_object().end_object().end_object();
}

void write_operation(JsonWriter& json, const HttpRoute& route) {
  json.key(lower(route.method)).begin_object();
  json.field("operationId", operation_id(route)).field("summary", route.summary);
  json.key("security").begin_array();
  if (route.right != HttpRoute::Right::anybody)
    json.begin_object().key("token").begin_array().end_array().end_object();
  json.end_array();
  json.key("parameters").begin_array();
  for (const HttpRoute::Parameter& parameter : route.parameters) {
    json.begin_object().field("name", parameter.name).field("in", "query");
    json.field("description", parameter.description).field("required", false);
    json.key("schema").begin_object().field("type", "string").end_object().end_object();
  }
  json.end_array().key("responses").begin_object();
  for (const HttpRoute::Response& response : route.responses) write_response(json, route, response);
  if (route.right != HttpRoute::Right::anybody) {
    json.key("401").begin_object().field("description", "http_token is set, and was not given.").end_object();
    json.key("421").begin_object().field("description",
                                         "It is not set, and a name was asked for from this machine.");
    json.end_object();
  }
  json.end_object().end_object();
}

}  // namespace

std::string open_api(std::span<const HttpRoute> routes) {
  std::map<std::string, std::vector<const HttpRoute*>> paths;
  for (const HttpRoute& route : routes) paths[route.path].push_back(&route);
  JsonWriter json;
  json.begin_object().field("openapi", "3.0.3");
  json.key("info").begin_object().field("title", "Ballast").field("version", BALLAST_VERSION);
  json.field("description", "What operators ask of Ballast, a pooler for Neon Postgres.").end_object();
  json.key("components").begin_object().key("securitySchemes").begin_object().key("token").begin_object();
  json.field("type", "http").field("scheme", "bearer").field("description", "The setting http_token.");
  json.end_object().end_object().end_object();
  json.key("paths").begin_object();
  for (const auto& [path, methods] : paths) {
    json.key(path).begin_object();
    for (const HttpRoute* const route : methods) write_operation(json, *route);
    json.end_object();
  }
  json.end_object().end_object();
  return json.take();
}

}  // namespace ballast
