#include "proxy/app/counter_table.hpp"

#include <array>

namespace ballast {

namespace {

using C = Counters;

// clang-format off
constexpr std::array table{
    CounterEntry{&C::clients_accepted, "clients_accepted", "", "", "Client connections accepted."},
    CounterEntry{&C::client_login_failures, "client_login_failures", "", "", "Client logins refused."},
    CounterEntry{&C::clients_refused_console, "console_clients_refused", "", "", "Clients of the console refused because a worker had 20 of them."},

    CounterEntry{&C::clients_refused_max_client_conn, "limit_hits", "setting", "max_client_conn", "How often a limit was in a client's way, by the setting that says it."},
    CounterEntry{&C::refused_pool_size, "limit_hits", "setting", "default_pool_size", ""},
    CounterEntry{&C::refused_db_connections, "limit_hits", "setting", "max_db_connections", ""},
    CounterEntry{&C::refused_user_connections, "limit_hits", "setting", "max_user_connections", ""},
    CounterEntry{&C::refused_max_connections, "limit_hits", "setting", "max_connections", ""},
    CounterEntry{&C::client_statement_limits, "limit_hits", "setting", "max_client_prepared_statements", ""},
    CounterEntry{&C::client_packet_limits, "limit_hits", "setting", "max_packet_size", ""},
    CounterEntry{&C::client_notification_limits, "limit_hits", "setting", "max_notification_backlog", ""},
    CounterEntry{&C::reserve_used, "limit_hits", "setting", "reserve_pool_size", ""},

    CounterEntry{&C::client_login_timeouts, "timeouts", "setting", "client_login_timeout", "Timeouts, by the setting that says them."},
    CounterEntry{&C::client_idle_timeouts, "timeouts", "setting", "client_idle_timeout", ""},
    CounterEntry{&C::query_wait_timeouts, "timeouts", "setting", "query_wait_timeout", ""},
    CounterEntry{&C::query_timeouts, "timeouts", "setting", "query_timeout", ""},
    CounterEntry{&C::idle_transaction_timeouts, "timeouts", "setting", "idle_transaction_timeout", ""},
    CounterEntry{&C::server_connect_timeouts, "timeouts", "setting", "server_connect_timeout", ""},
    CounterEntry{&C::server_check_timeouts, "timeouts", "setting", "server_check_timeout", ""},
    CounterEntry{&C::server_idle_timeouts, "timeouts", "setting", "server_idle_timeout", ""},
    CounterEntry{&C::server_lifetimes, "timeouts", "setting", "server_lifetime", ""},
    CounterEntry{&C::cancel_wait_timeouts, "timeouts", "setting", "cancel_wait_timeout", ""},

    CounterEntry{&C::shed_queue_target, "shed", "reason", "queue_target", "Requests refused so that others are served, by reason."},
    CounterEntry{&C::shed_max_queue, "shed", "reason", "max_queue", ""},
    CounterEntry{&C::refused_hopeless, "shed", "reason", "down", ""},
    CounterEntry{&C::overloads, "overloads", "", "", "How often a pool's queue was found to stand (queue_target)."},

    CounterEntry{&C::servers_connected, "server_connects", "result", "connected", "Server connects, by result."},
    CounterEntry{&C::server_connect_failures, "server_connects", "result", "failed", ""},
    CounterEntry{&C::connect_failures_passing, "server_connect_failures", "reason", "passing", "Server connects that failed, by what that means: tried again, fewer at once, no place free, nobody let in, this user's own business."},
    CounterEntry{&C::connect_failures_crowded, "server_connect_failures", "reason", "crowded", ""},
    CounterEntry{&C::connect_failures_full, "server_connect_failures", "reason", "full", ""},
    CounterEntry{&C::connect_failures_refused, "server_connect_failures", "reason", "refused", ""},
    CounterEntry{&C::connect_failures_rejected, "server_connect_failures", "reason", "rejected", ""},
    CounterEntry{&C::server_slots_full, "server_slots_full", "", "", "Server logins refused for want of a place."},
    CounterEntry{&C::servers_closed, "server_closes", "side", "ours", "Server connections that ended, by the side that ended them."},
    CounterEntry{&C::servers_broken, "server_closes", "side", "theirs", ""},
    CounterEntry{&C::server_checks, "server_checks", "", "", "Probes of servers that have rested for server_check_delay."},
    CounterEntry{&C::servers_reset, "server_resets", "", "", "Servers reset because a client left something behind on them."},
    CounterEntry{&C::requests_with_login, "requests_with_login", "", "", "Reads that left with the last message of their server's login, and so did not wait for its end."},
    CounterEntry{&C::requests_resent, "requests_resent", "", "", "Requests asked again of another server, because theirs was lost before it answered."},
    CounterEntry{&C::pings_answered, "pings_answered", "", "", "Pings answered without the database (pings = local)."},
    CounterEntry{&C::wake_notices, "wake_notices", "", "", "Clients told that they wait for the database to wake (wake_notice)."},

    CounterEntry{&C::statements_found, "prepared_statement_uses", "result", "hit", "Uses of prepared statements, by whether the server had them; else they were prepared again."},
    CounterEntry{&C::statements_prepared, "prepared_statement_uses", "result", "miss", ""},
    CounterEntry{&C::statements_evicted, "prepared_statement_evictions", "", "", "Prepared statements closed on a server for max_prepared_statements."},

    CounterEntry{&C::replays, "replays", "", "", "Servers brought to the session state of their next client."},
    CounterEntry{&C::audits, "audits", "result", "asked", "Audits of what a transaction has left on its server."},
    CounterEntry{&C::audits_saved, "audits", "result", "saved", ""},
    CounterEntry{&C::pins_advisory_locks, "pins", "reason", "advisory_locks", "Clients that keep their server because of state that can't travel, by reason."},
    CounterEntry{&C::pins_temp_objects, "pins", "reason", "temp_objects", ""},
    CounterEntry{&C::pins_hold_cursors, "pins", "reason", "hold_cursors", ""},
    CounterEntry{&C::pins_prepared, "pins", "reason", "prepared", ""},
    CounterEntry{&C::pins_listening, "pins", "reason", "listening", ""},
    CounterEntry{&C::pins_unseen, "pins", "reason", "unseen", ""},
    CounterEntry{&C::pins_failed_audits, "pins", "reason", "failed_audit", ""},

    CounterEntry{&C::notifications_forwarded, "notifications_forwarded", "", "", "Notifications that went from the listening connection to a client."},
    CounterEntry{&C::listening_handovers, "listening_handovers", "", "", "Clients whose channels went to the listening connection."},
    CounterEntry{&C::listening_connections_lost, "listening_connections_lost", "", "", "Listening connections lost."},

    CounterEntry{&C::cancels_forwarded, "cancels", "result", "forwarded", "Cancel requests, by what became of them."},
    CounterEntry{&C::cancels_local, "cancels", "result", "local", ""},
    CounterEntry{&C::cancels_unknown, "cancels", "result", "unknown", ""},
};
// clang-format on

static_assert(table.size() * sizeof(Counter) == sizeof(Counters), "a counter without a name, or with two");

}  // namespace

std::span<const CounterEntry> counter_table() { return table; }

}  // namespace ballast
