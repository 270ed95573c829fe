#include "proxy/app/open_api.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

HttpRoute route(std::string method, std::string path, HttpRoute::Right right) {
  return {std::move(method), std::move(path),    right,           {},
          "What it does.",   "application/json", {{200, "Done."}}};
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("two methods of one path stand under it, each with its right") {
  const std::vector<HttpRoute> routes{route("GET", "/thing", HttpRoute::Right::anybody),
                                      route("GET", "/other/thing.json", HttpRoute::Right::read),
                                      route("POST", "/thing", HttpRoute::Right::read)};
  const std::string document = open_api(routes);
  CHECK(document.starts_with(R"({"openapi": "3.0.3")"));
  CHECK(has(document,
            R"("/thing": {"get": {"operationId": "getThing", "summary": "What it does.", "security": [])"));
  CHECK(has(document, R"("post": {"operationId": "postThing")"));
  CHECK(has(document, R"("operationId": "getOtherThingJson")"));
  CHECK(has(document, R"("security": [{"token": []}])"));
  CHECK(has(document, R"("401": {"description")"));
}

TEST_CASE("parameters and responses are described") {
  HttpRoute one = route("GET", "/thing", HttpRoute::Right::anybody);
  one.parameters = {{"wake", "1: now"}};
  const std::string document = open_api({&one, 1});
  CHECK(has(document, R"({"name": "wake", "in": "query", "description": "1: now", "required": false)"));
  CHECK(has(
      document,
      R"("200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}})"));
}

}  // namespace ballast
