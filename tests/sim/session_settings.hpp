// SessionSettings: the run-time parameters of one session of the scripted PostgreSQL, with the rules of its
// guc.c: changes end with a transaction that fails, SET LOCAL with any, and a change is reported before
// ReadyForQuery.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"
#include "protocol/startup.hpp"

namespace ballast::sim {

enum class SetScope { session, transaction };

class SessionSettings {
 public:
  SessionSettings();

  // The error if a value of a startup packet is refused.
  std::optional<PgError> start(const StartupParameters& parameters);
  std::optional<PgError> set(std::string_view name, std::string_view value, SetScope scope);
  std::optional<PgError> reset(std::string_view name);
  void reset_all();

  void begin();
  void commit();
  void roll_back();

  // ParameterStatus of all that a session reports, and of what has changed since.
  void report_all(std::string& out);
  void report_changes(std::string& out);
  // All values in one text.
  std::string text() const;
  // The names and values that the session itself has set: pg_settings where source = 'session'.
  std::map<std::string, std::string> set_by_session() const;

 private:
  struct Value {
    std::string text;
    bool is_of_session = false;
    bool operator==(const Value&) const = default;
  };
  using Values = std::map<std::string, Value, std::less<>>;

  Values current_;
  Values after_commit_;
  Values at_begin_;
  Values at_start_;  // what RESET goes back to
  std::map<std::string, std::string> reported_;
};

}  // namespace ballast::sim
