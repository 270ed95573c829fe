// Operations: what an operator may ask over HTTP, and the answers. A table of routes, which others may add
// to before the first request. Control thread.
//
//   GET /              the status page
//   GET /live          the process answers
//   GET /ready         200 while clients are taken, 503 while it drains
//   GET /health        the process answers: its version
//   GET /health/db     how the database is
//   GET /metrics       for Prometheus
//   GET /stats         how things stand, as JSON; /stats/history: how they stood
//   GET /openapi.json  all of this, for machines
//
// What changes something is in administration_routes.hpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/app/census.hpp"
#include "proxy/app/chronicle.hpp"
#include "proxy/app/database_probe.hpp"
#include "proxy/app/http.hpp"
#include "proxy/app/http_route.hpp"

namespace ballast {

class Operations {
 public:
  // Where the answers come from.
  struct Sources {
    std::function<void(std::function<void(Census)>)> take_census;
    std::function<void(DatabaseProbe::Effort, DatabaseProbe::Done)> ask_database;
    std::function<const Chronicle&()> chronicle;
    std::function<bool()> is_leaving;
  };

  explicit Operations(Sources sources);
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  void add(HttpRoute route) { routes_.push_back(std::move(route)); }
  std::span<const HttpRoute> routes() const { return routes_; }

  void handle(const HttpRequest& request, HttpServer::Reply reply) const;
  // Who knows it may do more than HttpRoute::Right::anybody; empty: see there.
  void set_token(std::string token) { token_ = std::move(token); }

 private:
  bool may_be_misled(const HttpRequest& request) const;
  std::string why_not(HttpRoute::Right right, const HttpRequest& request) const;
  const HttpRoute* find(std::string_view method, std::string_view path) const;
  bool is_known(std::string_view path) const;
  std::string paths() const;
  HttpAnswer refuse_method(std::string_view path) const;
  void add_process();
  void add_figures();
  void add_database();

  Sources sources_;
  std::vector<HttpRoute> routes_;
  std::string token_;
};

}  // namespace ballast
