// ServerConnect: one attempt to get a server connection: connect, TLS, login, under one deadline.
// Owned by its pool; destroying it gives the attempt up. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocol/server_login.hpp"

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/inbox.hpp"
#include "proxy/io/outlet.hpp"
#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"

namespace ballast {

class ServerConnect final : public Mortal, public StreamListener {
 public:
  struct Outcome {
    std::unique_ptr<Stream> stream;  // null: failed
    StartupParameters reported;
    std::int32_t process_id = 0;
    std::string cancel_secret;
    std::string unread;  // bytes that came right behind the first ReadyForQuery
    PgError error;
    bool refused_by_server = false;  // the server itself said no, in `error`
    ConnectFigures figures = {};
    TimePoint login_began_at = {};
    // Handed over early, with bytes that have not left yet: it awaits the server's verdict.
    std::unique_ptr<ServerLogin> login = {};
    std::string unsent = {};
  };
  // Called once, never from inside the constructor. May bury the ServerConnect, and end the key cache.
  using Done = std::function<void(Outcome)>;
  // Is there something to send right behind our last word, to a server that nothing but its certificate has
  // proved so far? Asked once; true: Done follows at once.
  using HasMore = std::function<bool()>;

  ServerConnect(World& world, const UpstreamTarget& target, ServerLoginRequest login,
                ScramKeyCache* key_cache, TimePoint deadline, Done done, HasMore has_more = {});
  ~ServerConnect() override;

  TimePoint deadline() const { return deadline_; }
  // The pool's janitor saw the deadline pass.
  void time_out();

  void on_readable() override;
  void on_writable() override;

 private:
  void dial();
  void dial_again();
  void on_connected(ConnectResult result);
  void advance(std::string_view bytes);
  void hand_over();
  void finish();
  Outcome outcome();
  void fail(PgError error);

  World& world_;
  UpstreamTarget target_;
  ServerLoginRequest request_;
  ScramKeyCache* key_cache_;
  TimePoint deadline_;
  Done done_;
  HasMore has_more_;
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Stream> stream_;
  ConnectFigures figures_;
  TimePoint login_began_at_;
  std::unique_ptr<ServerLogin> login_;
  Inbox inbox_;
  Outlet outlet_;
};

}  // namespace ballast
