#include "tests/neon/report.hpp"

#include <algorithm>

#include <boost/json/src.hpp>

namespace ballast::neon {
namespace json = boost::json;

json::object report_state(const World& world) {
  const Seconds now = world.time.now();
  const Endpoint& endpoint = world.compute.endpoint();
  const double hours = cu_hours(endpoint.active_time(now), world.knobs.cu);
  const auto& connections = world.connections.all();
  json::object errors;
  for (const auto& [row, count] : world.counters.errors_by_row) errors[std::to_string(row)] = count;
  json::array marks;
  for (const auto& [label, at] : world.counters.marks)
    marks.push_back({{"label", label}, {"now", at.count()}});
  json::object knobs;
  for (const auto& [name, value] : list_knobs(world.knobs)) knobs[name] = value;
  return {
      {"state", name_of(endpoint.state())},
      {"now", now.count()},
      {"last_active", endpoint.last_active().count()},
      {"wakes", endpoint.wakes()},
      {"suspends", endpoint.suspends()},
      {"active_seconds", endpoint.active_time(now).count()},
      {"cu_hours", hours},
      {"cost_usd", hours * world.knobs.usd_per_cu_hour},
      {"polls", world.compute.polls()},
      {"held_clients", world.compute.held()},
      {"connections", connections.size()},
      {"sessions", std::count_if(connections.begin(), connections.end(),
                                 [](const Connection* connection) { return connection->is_in_session(); })},
      {"accepted", world.counters.accepted},
      {"logins", world.counters.logins},
      {"cancels", world.counters.cancels},
      {"client_flights", world.counters.client_flights},
      {"errors_by_row", errors},
      {"closed_without_word", world.counters.closed_without_word},
      {"marks", marks},
      {"knobs", knobs},
  };
}

json::array report_timeline(const World& world) {
  json::array all;
  for (const Timeline& timeline : world.counters.timelines) {
    all.push_back({{"id", timeline.id},
                   {"user", timeline.user},
                   {"accepted", timeline.accepted.count()},
                   {"tls_ms", timeline.tls.count()},
                   {"startup_ms", timeline.startup.count()},
                   {"auth_ms", timeline.auth.count()},
                   {"held_ms", timeline.held.count()},
                   {"ready_ms", timeline.ready.count()}});
  }
  return all;
}

}  // namespace ballast::neon
