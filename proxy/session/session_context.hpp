// SessionContext: what the client sessions of one worker share. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "protocol/client_login.hpp"

#include "proxy/pool/pool_set.hpp"
#include "proxy/session/cancel_keys.hpp"
#include "proxy/session/console_client.hpp"
#include "proxy/sql/effect_table.hpp"

namespace ballast {

class ClientSession;

class SessionContext {
 public:
  virtual World& world() = 0;
  virtual PoolSet& pools() = 0;
  virtual CancelKeys& cancel_keys() = 0;
  virtual EffectTable& effects() = 0;
  // For a client that has just connected; what depends on its stream is filled in by the session.
  virtual ClientLoginPolicy login_policy() const = 0;
  // One more client wants to be served: false at max_client_conn. client_left() follows iff true.
  virtual bool admit_client() = 0;
  virtual void client_left() = 0;
  // No new transactions: clients are told to go as soon as they are between two.
  virtual bool is_draining() const = 0;
  // Carries a CancelRequest out, wherever in the process its session is; `done` is called when it is over.
  virtual void cancel(const CancelRequest& request, std::function<void()> done) = 0;
  // Forwards a cancel to the server that a session of this worker holds.
  virtual void forward_cancel(ServerConnection& server, std::function<void()> done) = 0;
  // Ends the query of a server that is about to be given back, whoever has asked it.
  virtual void stop_query(ServerConnection& server) = 0;
  // Ends the session with that id, if it is still there, without a word.
  virtual void end_client(std::uint64_t id) = 0;
  // Is there an admin console? Then whose database has its name (is_console_name) goes there after the login.
  virtual bool has_console() const = 0;
  virtual void open_console(ConsoleClient client) = 0;
  // The session has ended and may be buried.
  virtual void on_session_ended(ClientSession& session) = 0;

 protected:
  ~SessionContext() = default;
};

}  // namespace ballast
