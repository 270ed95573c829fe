// HttpRoute: one thing that can be asked over HTTP: its method and path, who may, what answers, and the words
// that describe it. Operations has the table; the OpenAPI document is made from the same one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxy/app/http.hpp"

namespace ballast {

struct HttpRoute {
  // With http_token: reading and changing is for who knows it. Without one everybody may read, and who asks
  // from this machine, and is no browser's page, may change something.
  enum class Right { anybody, read, change };
  struct Parameter {
    std::string name;  // in the query
    std::string description;
  };
  struct Response {
    int status;
    std::string description;
  };

  std::string method;
  std::string path;
  Right right = Right::read;
  HttpServer::Handler handler;
  std::string summary;
  std::string content_type;  // of an answer that is not an error
  std::vector<Response> responses;
  std::vector<Parameter> parameters = {};
};

}  // namespace ballast
