#include "proxy/app/database_health.hpp"

#include <chrono>
#include <ctime>

#include "proxy/app/metrics.hpp"

namespace ballast {

namespace {

// RFC 3339, in UTC.
std::string wall_text(TimePoint time) {
  const auto ago = std::chrono::steady_clock::now() - time;
  const std::time_t then = std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(ago));
  std::tm parts{};
  gmtime_r(&then, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

bool is_well(const DatabaseProbe::Outcome& outcome) {
  const Upstream::State state = outcome.upstream.state;
  if (outcome.verdict == DatabaseProbe::Verdict::answered) return true;
  return outcome.verdict != DatabaseProbe::Verdict::silent && state != Upstream::State::down &&
         state != Upstream::State::refused;
}

void write_upstream(JsonWriter& json, const Upstream::Figures& upstream) {
  json.field("state", name_of(upstream.state)).key("since");
  upstream.since == long_ago ? json.null() : json.value(wall_text(upstream.since));
  json.key("last_error");
  if (upstream.failed_at == long_ago) {
    json.null();
    return;
  }
  json.begin_object().field("at", wall_text(upstream.failed_at));
  json.field("sqlstate", upstream.last_error.sqlstate).field("message", upstream.last_error.message);
  json.end_object();
}

std::string database_health_json(const DatabaseProbe::Outcome& outcome) {
  const bool is_asked = outcome.verdict != DatabaseProbe::Verdict::not_asked;
  JsonWriter json;
  json.begin_object();
  write_upstream(json, outcome.upstream);
  json.field("asked", is_asked).key("answered");
  is_asked ? json.value(outcome.verdict == DatabaseProbe::Verdict::answered) : json.null();
  if (!outcome.reason.empty()) json.field("reason", outcome.reason);
  json.field("took_ms", std::chrono::duration<double, std::milli>(outcome.took).count()).end_object();
  return json.take();
}

}  // namespace ballast
