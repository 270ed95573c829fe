// Front: what Neon's proxy does with a client until its first ReadyForQuery (neondatabase/neon,
// proxy/src/pglb and proxy/src/proxy): TLS, routing, SCRAM, and only then the compute, for which a client
// that has proved its password waits in silence: SASLFinal and AuthenticationOk leave together with all that
// follows them.
//
//   is_in = await front.login()   and front.backend() is in session
//
// Throws system_error when the client is gone. One thread.
#pragma once

#include <memory>
#include <string>

#include "protocol/startup.hpp"

#include "tests/neon/backend.hpp"
#include "tests/neon/client_stream.hpp"
#include "tests/neon/rules/scram_gate.hpp"
#include "tests/neon/world.hpp"

namespace ballast::neon {

class Front {
 public:
  Front(ClientStream& client, World& world, Timeline& timeline);

  // False: it was a CancelRequest, or refused; the client has been told, and is to be closed.
  Task<bool> login();

  Backend& backend() { return *backend_; }
  bool is_pooled() const { return is_pooled_; }
  const CancelKey& given_key() const { return given_key_; }
  // Had the client sent more when it was let in? (It reaches the compute: proxy/src/proxy/mod.rs.)
  bool is_followed() const { return is_followed_; }

 private:
  Task<bool> greet();
  Task<bool> greet_in_clear();
  Task<bool> answer_gssenc(bool& was_asked);
  Task<bool> greet_over_tls();
  Task<void> cancel_query(CancelRequest request);

  Task<bool> authenticate();
  Task<bool> find_endpoint(std::string& password);
  Task<bool> check_password(std::string password);
  Task<bool> run_scram();
  Task<ScramSecret> find_secret();

  Task<bool> reach_compute();
  Task<int> enter_compute();
  int row_of(const PgError& error);
  void write_greeting(std::string& out);

  Milliseconds age() const;  // since it was accepted
  Task<void> round_trip();
  Task<void> flush();
  Task<bool> fail(int row);
  Task<bool> fail_on_fault(Stage stage);
  Task<void> refuse(const ErrorRow& row, std::string text);
  std::string parameter(std::string_view name) const;

  ClientStream& client_;
  World& world_;
  Timeline& timeline_;
  RealTime accepted_ = RealTime::clock::now();
  StartupMessage startup_;
  std::string endpoint_;  // as the client named it
  bool is_pooled_ = false;
  bool is_followed_ = false;
  bool is_known_ = true;  // is there such a role on such an endpoint?
  std::string pending_;   // for the client, with the next flush
  ErrorValues values_;
  std::string compute_error_;  // the compute's own words
  std::unique_ptr<Backend> backend_;
  CancelKey given_key_;
};

}  // namespace ballast::neon
