// Operations: what an operator may ask over HTTP, and the answers. Control thread.
//
//   GET /live       the process answers
//   GET /health     the same, with its version and for how long it has run
//   GET /ready      200 while clients are taken, 503 while it drains
//   GET /health/db  how the database is, as far as it is known without waking or asking it: 200, or 503 while
//   it is
//                   down or refuses
//   GET /metrics    for Prometheus
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "proxy/app/http.hpp"
#include "proxy/app/metrics.hpp"

namespace ballast {

class Operations {
 public:
  using TakeCensus = std::function<void(std::function<void(Census)>)>;

  explicit Operations(TakeCensus take_census) : take_census_(std::move(take_census)) {}

  void handle(const HttpRequest& request, HttpServer::Reply reply) const;
  // Who knows it may ask for more than /live, /ready and /health; empty: everybody may.
  void set_token(std::string token) { token_ = std::move(token); }
  void drain() { is_draining_ = true; }

 private:
  bool may_ask(const HttpRequest& request) const;

  TakeCensus take_census_;
  std::string token_;
  bool is_draining_ = false;
};

}  // namespace ballast
