// Lessee: who holds a server, as the server connection sees it. The client session implements it.
// Called on the worker's thread, only while the lease stands. Between on_answer() calls nothing else reaches
// the client's stream, so answers stay in their order.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/pipeline.hpp"

namespace ballast {

class Lessee {
 public:
  // Bytes for the client, any cut of the stream of messages.
  virtual void on_answer(std::string_view bytes) = 0;
  // The client's own name for the statement that a request was about (Request::name); empty: it has none.
  virtual std::string statement_name(const Request& request) const = 0;
  // One whole ErrorResponse for the client, header included. `statement_name`: of the request that failed. Or
  // the NoticeResponse by which a backend says that it has to end at once.
  virtual void on_error(std::string_view message, std::string_view statement_name) = 0;
  // The server reported a changed setting; the message itself has come through on_answer().
  virtual void on_parameters_changed() = 0;
  // The server refused the parameters that ServerConnection::take_parameters asked for; it is as it was
  // before.
  virtual void on_parameters_refused(const PgError& why) = 0;
  // ReadyForQuery outside of a transaction.
  virtual void on_transaction_end() = 0;
  // One whole NotificationResponse, whatever is asked for at the moment. `wait`: not now; it comes
  // again, and nothing that follows it before, with ServerConnection::relay_on().
  enum class Heard { go_on, wait };
  virtual Heard on_notification(std::string_view message) = 0;
  // A LISTEN of our own is in force.
  virtual void on_listened() = 0;
  // ServerConnection::audit() has its answer, or failed: parameters() and residue() are what the server says.
  virtual void on_audited() = 0;
  // How a Parse or Close of the client's ended.
  virtual void on_request_answered(const Request& request) = 0;
  virtual void on_request_discarded(const Request& request) = 0;
  // A command of the lessee's has changed the schema.
  virtual void on_schema_changed() = 0;
  // DEALLOCATE ALL or DISCARD ALL was done.
  virtual void on_statements_dropped() = 0;
  // The server that it has asked while that was still logging in has let us in.
  virtual void on_let_in() {}
  // Every answer of this read has been given: write out what is gathered. `at_rest` as Pipeline::at_rest():
  // the lease may be given back now, from inside this call.
  virtual void on_answers_end() = 0;
  // Should the server stop reading for a while? (It goes on with ServerConnection::resume_reading.)
  virtual bool congested() const = 0;
  // Has it got the beginning of an answer that it could still ask another server for? Then it is worth a look
  // whether the end has come, of the answer or of the server.
  virtual bool holds_beginning() const { return false; }
  // What was sent to the server has left; more may be sent.
  virtual void on_server_drained() = 0;
  // The connection is gone, and with it the lease.
  virtual void on_server_lost(const PgError& why) = 0;

 protected:
  ~Lessee() = default;
};

}  // namespace ballast
