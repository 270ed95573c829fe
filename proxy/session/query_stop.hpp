// QueryStop: ends the query of a server whose client has been ended for it (query_timeout, KILL). The end of
// the connection would not: a backend sees it when it writes.
//
// One cancel may not do. A backend ignores it as long as it has not read the query ("Query cancel is supposed
// to be a no-op when there is no query in progress", postgres.c, PostgresMain), and its connection may fail.
// So it is sent again, ever more seldom, until the server is at rest, gone, or the deadline over. The server
// is held all the time. One thread.
#pragma once

#include "proxy/pool/server_connection.hpp"

namespace ballast {

class SessionContext;

class QueryStop {
 public:
  // `context` outlives it and forwards its cancels.
  QueryStop(SessionContext& context, ServerConnection& server, TimePoint deadline);
  QueryStop(const QueryStop&) = delete;
  QueryStop& operator=(const QueryStop&) = delete;

  void tick(TimePoint now);
  // It may go. Not while a cancel of it is under way.
  bool is_over(TimePoint now) const;
  // Is the query still at work?
  bool is_in_vain() const;

 private:
  void ask();

  SessionContext& context_;
  ServerHold hold_;
  TimePoint deadline_;
  TimePoint next_;
  Duration pause_{std::chrono::milliseconds(100)};
  bool is_asking_ = false;
};

}  // namespace ballast
