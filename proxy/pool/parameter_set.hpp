// ParameterSet: the settings that a session wants to differ from the server's own start: those of the
// client's startup packet, what it has changed since, its role and session authorization. Equal sets are one
// object, so that "is this server in the state that this client needs?" is a comparison of two pointers on
// the path of a query.
//
// One table per pool, one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ballast {

// ParameterStatus values by name, as a server reports them after login and after each change.
using ReportedParameters = std::map<std::string, std::string, std::less<>>;

struct ParameterSet {
  ReportedParameters values;  // what a session asks for; names in lower case
  // What a server in this state reports: sent to clients that log in. Empty until a server has taken the set
  // once; from then on it can't be refused any more and needs no waiting for.
  mutable ReportedParameters reported;
  bool proven() const { return !reported.empty(); }
};

// Held by each client that wants the set and each server that is in it; the last to leave may be either.
using ParameterSetRef = std::shared_ptr<const ParameterSet>;

class ParameterSets {
 public:
  ParameterSetRef intern(ReportedParameters values);
  // The set that `from` becomes when the server reports `name` = `value`. A value that the bare server
  // reports too is no difference.
  ParameterSetRef changed(const ParameterSet& from, std::string_view name, std::string_view value,
                          const ReportedParameters& bare);
  std::size_t size() const { return sets_.size(); }
  void sweep();

 private:
  std::unordered_map<std::string, ParameterSetRef> sets_;  // by their values in one string
};

// The one query that takes a server from `from` to `to`; empty if they are the same. Values are quoted by us,
// names come from clients and are checked by is_parameter_name().
std::string transition(const ParameterSet& from, const ParameterSet& to);
// The query that sets these values; who the session is comes last.
std::string set_commands(const ReportedParameters& values);
// Can the server refuse what it has once accepted? A role, a tablespace or a text search configuration may
// have been dropped since.
bool may_be_refused(const ParameterSet& from, const ParameterSet& to);
// As a string constant, read the same whatever standard_conforming_strings says.
std::string quoted_literal(std::string_view value);
bool is_parameter_name(std::string_view name);

}  // namespace ballast
