// Audit: the query that asks a server what its session has left behind, and what it answers. Rollback,
// savepoints, SET LOCAL and functions need no thought of ours then: the server tells what came of them.
//
// Of each kind of residue PostgreSQL 15 knows a place to look; what has none is Residue::unseen. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "proxy/pool/channels.hpp"
#include "proxy/pool/parameter_set.hpp"
#include "proxy/sql/statement_effect.hpp"

namespace ballast {

using CustomSettings = std::set<std::string, std::less<>>;

// Can PostgreSQL have a custom setting of that name, and can any client's audit ask for it, whatever its
// encoding? In lower case or not.
bool is_custom_setting(std::string_view name);
// Does PostgreSQL refuse to set it, in any encoding, for its name alone (guc.c, valid_custom_variable_name)?
bool is_impossible_setting(std::string_view name);

// What one row of the answer adds up to.
struct Findings {
  ReportedParameters settings;   // those that the session has changed, names in lower case
  ResidueSet residue;            // what is there besides
  Channels channels;             // that it listens to
  CustomSettings setting_names;  // in the texts of functions
  bool has_long_value = false;   // some setting is too long to be told
  bool needs_superuser = false;  // some setting is a superuser's to make, as a function's owner may be

  // Could any server be brought there? Who sets session_authorization has logged in as superuser.
  bool can_travel() const {
    return !has_long_value && (!needs_superuser || settings.contains("session_authorization"));
  }
};

// The query for these kinds. Custom settings are in no catalog and are asked for by name.
std::string audit_query(ResidueSet kinds, const CustomSettings& custom);

// Behind it: which custom settings the database's functions set, as their texts show.
extern const std::string_view setting_names_query;

// The body of one DataRow of the answer. `login_user`: who the session was at login. False: it is none.
bool read_finding(std::string_view row, std::string_view login_user, Findings& findings);

}  // namespace ballast
