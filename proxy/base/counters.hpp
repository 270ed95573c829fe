// Counters: what one worker has counted since its start. Written by that worker alone; a reader on another
// thread may see a value that is a moment old. Each limit and timeout of the settings has its counter here.
#pragma once

#include <atomic>
#include <cstdint>

namespace ballast {

class Counter {
 public:
  void operator++() { value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  void add(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counters {
  Counter clients_accepted;
  Counter clients_refused_max_client_conn;
  Counter clients_refused_console;
  Counter client_login_failures;
  Counter client_login_timeouts;
  Counter client_idle_timeouts;
  Counter query_wait_timeouts;
  Counter overloads;          // how often a queue was found to stand (queue_target)
  Counter shed_queue_target;  // clients that were refused for it
  Counter shed_max_queue;
  Counter query_timeouts;
  Counter idle_transaction_timeouts;
  Counter client_statement_limits;  // max_client_prepared_statements, max_prepared_statement_length
  Counter client_packet_limits;     // max_packet_size
  Counter refused_hopeless;         // the database lets nobody in, or has been down for server_down_timeout
  Counter servers_connected;
  Counter server_connect_failures;
  Counter connect_failures_passing;  // the same, by what ConnectFailure makes of them
  Counter connect_failures_crowded;
  Counter connect_failures_full;
  Counter connect_failures_refused;
  Counter connect_failures_rejected;
  Counter server_connect_timeouts;
  Counter server_slots_full;  // logins that were refused for want of a place
  Counter server_checks;      // after server_check_delay
  Counter server_check_timeouts;
  Counter pings_answered;  // pings = local
  Counter wake_notices;
  Counter requests_with_login;  // sent with the last message of their server's login
  Counter requests_resent;      // on another server, because theirs was lost before it answered
  Counter servers_closed;
  Counter server_idle_timeouts;
  Counter server_lifetimes;
  Counter servers_broken;
  Counter refused_pool_size;  // clients that had to wait because of the limit; so the next three
  Counter refused_db_connections;
  Counter refused_user_connections;
  Counter refused_max_connections;  // the database's own
  Counter reserve_used;
  Counter statements_found;     // on the server that a client was given
  Counter statements_prepared;  // Parses of our own
  Counter statements_evicted;   // max_prepared_statements
  Counter replays;              // of a client's state on a server that was in another
  Counter audits;
  Counter audits_saved;   // statements whose functions have proved to leave nothing behind
  Counter servers_reset;  // because a client left something behind on it
  Counter pins_advisory_locks;
  Counter pins_temp_objects;
  Counter pins_hold_cursors;
  Counter pins_prepared;
  Counter pins_listening;
  Counter pins_unseen;              // LOAD, setseed(), more custom settings than can be asked for
  Counter pins_failed_audits;       // what is there is not known
  Counter notifications_forwarded;  // from a connection that listens for many
  Counter listening_handovers;      // of a client's channels to such a connection
  Counter listening_connections_lost;
  Counter client_notification_limits;  // max_notification_backlog
  Counter cancels_forwarded;
  Counter cancels_local;
  Counter cancels_unknown;
  Counter cancel_wait_timeouts;
};

}  // namespace ballast
