#include "proxy/pool/audit.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/reader.hpp"

namespace ballast {
namespace {

// Each row: kind, name, value. Kinds: s(etting), x: one that the user who logged in could not make,
// i(dentity), w: a timeout (see unhindered), c: the name of a custom setting, and one letter for each residue
// that is there. Settings of the transaction end with it; those of `unhindered` it has told.
constexpr std::string_view is_changed =
    "source='session' AND name NOT IN "
    "('transaction_isolation','transaction_read_only','transaction_deferrable',"
    "'statement_timeout','lock_timeout')";
// The client's own timeouts are not for us. Each is told in front of all else, with its default, and is none
// from then on, to the end of this transaction. set_config(..., NULL, ...) is a RESET.
constexpr std::string_view unhindered =
    "SELECT 'w',n,pg_catalog.concat(pg_catalog.current_setting(n),' ',pg_catalog.set_config(n,NULL,true),' ',"
    "pg_catalog.set_config(n,'0',true)) FROM (VALUES ('statement_timeout'),('lock_timeout')) w(n);";
// pg_settings hides role and session_authorization.
constexpr std::string_view identities_query =
    " UNION ALL SELECT 'i','role',pg_catalog.current_setting('role')"
    " UNION ALL SELECT 'i','session_authorization',session_user";

struct Place {
  Residue residue;
  char kind;
  std::string_view query;
};
// pg_my_temp_schema() is not 0 for good once a session has had a temporary object: so its contents are asked
// for. Locks of a transaction are gone when the audit runs, those of the session are left.
constexpr std::array<Place, 5> places{{
    {Residue::advisory_locks, 'l',
     "SELECT 'l','','' WHERE EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype='advisory'"
     " AND pid=pg_catalog.pg_backend_pid())"},
    {Residue::temp_objects, 't',
     "SELECT 't','','' WHERE pg_catalog.pg_my_temp_schema()<>0 AND EXISTS (SELECT FROM pg_catalog.pg_depend"
     " WHERE refclassid='pg_catalog.pg_namespace'::pg_catalog.regclass"
     " AND refobjid=pg_catalog.pg_my_temp_schema())"},
    {Residue::hold_cursors, 'h',
     "SELECT 'h','','' WHERE EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)"},
    {Residue::prepared, 'p',
     "SELECT 'p','','' WHERE EXISTS (SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql)"},
    {Residue::listening, 'n', "SELECT 'n',c,'' FROM pg_catalog.pg_listening_channels() c"},
}};

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

void add(std::string& query, std::string_view part) {
  if (!query.empty()) query += " UNION ALL ";
  query += part;
}

// A value that is too long to be carried about is null.
std::string if_short(const std::string& value) {
  return "CASE WHEN pg_catalog.octet_length(" + value + ")<=262144 THEN " + value + " END";
}

// pg_settings hides placeholders ("app.user_id") too. Names of settings that are none, those of a loaded
// module, are in it, and count only if the session has changed them. A placeholder that nobody has set is
// null, one that was reset is empty: no difference to us.
std::string settings_query(const CustomSettings& custom) {
  std::string query =
      "SELECT CASE WHEN context='superuser' AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles"
      " WHERE rolname=session_user) THEN 'x' ELSE 's' END,";
  if (custom.empty()) {
    query.append("name,").append(if_short("setting")).append(" FROM pg_catalog.pg_settings WHERE ");
    return query.append(is_changed).append(identities_query);
  }
  std::string names;
  for (const std::string& name : custom) {
    if (!names.empty()) names += ',';
    names += quoted_literal(name);
  }
  query.append("coalesce(name,n),").append(if_short("coalesce(setting,pg_catalog.current_setting(n,true))"));
  query.append(" FROM pg_catalog.pg_settings FULL JOIN pg_catalog.unnest(ARRAY[");
  query.append(names).append("]) n ON pg_catalog.lower(name)=n WHERE ").append(is_changed);
  // A name that was set once has the value '' ever after. That is carried too: elsewhere there might be none,
  // and SHOW an error. But for what another server's procedural language would refuse.
  query.append(" OR name IS NULL AND (pg_catalog.current_setting(n,true)<>'' OR ")
      .append("pg_catalog.current_setting(n,true)='' AND NOT pg_catalog.starts_with(n,'pl'))");
  return query.append(identities_query);
}

void add_setting(std::string_view name, std::string_view value, Findings& findings) {
  if (name == "seed") {
    findings.residue |= Residue::random_seed;
  } else {
    findings.settings[lower_case(name)] = value;
  }
}

// As `unhindered` tells it: the value, the default, and what we have made of it.
bool add_timeout(std::string_view name, std::string_view values, Findings& findings) {
  const std::size_t first = values.find(' ');
  const std::size_t second = values.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  const std::string_view value = values.substr(0, first);
  if (value != values.substr(first + 1, second - first - 1)) findings.settings[std::string(name)] = value;
  return true;
}

}  // namespace

// Languages 12 and 13 are `internal` and `c`. A name in a string within a string has more quotes around it.
// What LOCAL sets ends by itself; that set_config() may be local too makes one name more.
const std::string_view setting_names_query =
    " UNION ALL (SELECT DISTINCT 'c',pg_catalog.lower(pg_catalog.replace(m[1],'\"','')),''"
    " FROM pg_catalog.pg_proc,pg_catalog.regexp_matches("
    "CASE WHEN prosqlbody IS NULL THEN prosrc ELSE pg_catalog.pg_get_function_sqlbody(oid) END,"
    "'(?:set_config[[:space:]]*[(][[:space:]]*E?''+"
    "|(?:^|[^a-z0-9_])set[[:space:]]+(?:session[[:space:]]+)?)"
    "(\"?[a-z_][a-z0-9_$]*\"?(?:[.]\"?[a-z_][a-z0-9_$]*\"?)+)','gi') m"
    " WHERE prolang>13 LIMIT 201)";

// As valid_custom_variable_name() of PostgreSQL 15 has it: two or more identifiers with dots between them.
bool is_custom_setting(std::string_view name) {
  constexpr std::size_t name_max = 128;
  if (name.size() > name_max || name.find('.') == std::string_view::npos) return false;
  bool is_first = true;  // of an identifier
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool is_later = (c >= '0' && c <= '9') || c == '$' || c == '.';
    if (!is_letter && (is_first || !is_later)) return false;
    is_first = c == '.';
  }
  return !is_first;
}

bool is_impossible_setting(std::string_view name) {
  const auto is_allowed = [](unsigned char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    return is_letter || (c >= '0' && c <= '9') || c == '$' || c == '.';
  };
  return !std::all_of(name.begin(), name.end(), is_allowed);
}

std::string audit_query(ResidueSet kinds, const CustomSettings& custom) {
  std::string query;
  if (kinds.has(Residue::settings)) query = settings_query(custom);
  for (const Place& place : places) {
    if (kinds.has(place.residue)) add(query, place.query);
  }
  if (!query.empty()) query.insert(0, unhindered);
  return query;
}

bool read_finding(std::string_view row, std::string_view login_user, Findings& findings) {
  Reader reader(row);
  constexpr int column_count = 3;
  if (reader.int16() != column_count) return false;
  std::array<std::string_view, column_count> columns;
  bool is_null = false;
  for (std::string_view& column : columns) {
    const std::int32_t length = reader.int32();
    is_null = is_null || length < 0;
    column = reader.bytes(static_cast<std::size_t>(std::max(length, 0)));
  }
  const auto [kind, name, value] = columns;
  if (!reader.finished() || kind.size() != 1) return false;
  if (is_null) {
    findings.has_long_value = true;
    return (kind == "s" || kind == "x") && !name.empty();
  }
  if (kind == "w") return add_timeout(name, value, findings);
  if (kind == "c") {
    findings.setting_names.emplace(name);
    return true;
  }
  if (kind == "s" || kind == "x") {
    findings.needs_superuser = findings.needs_superuser || kind == "x";
    add_setting(name, value, findings);
    return true;
  }
  if (kind == "i") {
    const std::string_view unchanged = name == "role" ? "none" : login_user;
    if (value != unchanged) findings.settings[std::string(name)] = value;
    return true;
  }
  const auto place = std::find_if(places.begin(), places.end(),
                                  [kind = kind](const Place& p) { return p.kind == kind.front(); });
  if (place == places.end()) return false;
  findings.residue |= place->residue;
  if (place->residue == Residue::listening) findings.channels.emplace(name);
  return true;
}

}  // namespace ballast
