#include "proxy/sql/known_functions.hpp"

#include <array>
#include <cstddef>

#include "proxy/sql/harmless_functions.hpp"
#include "proxy/sql/lexer.hpp"

namespace ballast {
namespace {

// Key words that no function can have as its name (categories R, C and T of pg_get_keywords()); and
// OPERATOR(...).
constexpr std::string_view syntax_words =
    "all analyse analyze and any array as asc asymmetric authorization between bigint binary boolean both "
    "case cast character check coalesce collate collation column concurrently constraint create cross "
    "current_catalog current_date current_role current_time current_timestamp dec decimal default "
    "deferrable desc distinct do else end except exists false fetch float for foreign freeze from full "
    "grant greatest group grouping having ilike in initially inner inout int integer intersect into is "
    "isnull join lateral leading least limit localtime localtimestamp national natural nchar none not "
    "notnull null nullif offset on only operator or order out outer placing precision primary real "
    "references returning row select setof similar smallint some symmetric table tablesample then to "
    "trailing treat trim true union unique user using values variadic verbose when where window with "
    "xmlattributes xmlconcat xmlelement xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize "
    "xmltable ";

constexpr std::string_view advisory_lock_functions =
    "pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all "
    "pg_advisory_unlock_shared pg_try_advisory_lock pg_try_advisory_lock_shared ";

// The XML functions that read whole tables run views; those of dblink and tablefunc are given SQL.
constexpr std::string_view text_running_functions =
    "query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema "
    "table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema "
    "schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema "
    "ts_stat ts_rewrite dblink dblink_exec dblink_fetch dblink_get_result dblink_open dblink_close "
    "dblink_send_query crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table ";

// A temporary replication slot and a backup end with the session; hypopg's indexes live in the backend alone.
constexpr std::string_view unseen_functions =
    "setseed pg_backup_start pg_backup_stop pg_copy_logical_replication_slot "
    "pg_copy_physical_replication_slot pg_create_logical_replication_slot "
    "pg_create_physical_replication_slot pg_replication_origin_session_setup "
    "pg_replication_origin_session_reset dblink_connect dblink_connect_u dblink_disconnect pg_start_backup "
    "pg_stop_backup hypopg_create_index hypopg_drop_index hypopg_hide_index hypopg_unhide_index "
    "hypopg_unhide_all_indexes hypopg_reset ";

struct NamesOfKind {
  std::string_view names;  // each with a space behind it
  FunctionKind kind;
};

constexpr std::array lists{
    NamesOfKind{harmless_functions, FunctionKind::harmless},
    NamesOfKind{syntax_words, FunctionKind::syntax},
    NamesOfKind{advisory_lock_functions, FunctionKind::advisory_lock},
    NamesOfKind{text_running_functions, FunctionKind::runs_text},
    NamesOfKind{unseen_functions, FunctionKind::unseen},
    NamesOfKind{"set_config ", FunctionKind::set_config},
    NamesOfKind{"current_setting ", FunctionKind::current_setting},
    NamesOfKind{"pg_stat_force_next_flush ", FunctionKind::own_backend},
    NamesOfKind{"nextval setval ", FunctionKind::sequence_use},
    NamesOfKind{"currval lastval ", FunctionKind::sequence_read},
};

struct Entry {
  const char* name = nullptr;
  std::uint8_t size = 0;
  FunctionKind kind = FunctionKind::unknown;

  constexpr std::string_view text() const { return {name, size}; }
};

constexpr std::size_t slot_count = 4096;

constexpr std::size_t first_slot(std::string_view name) {  // FNV-1a
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(to_lower(c))) * 16777619U;
  return (hash ^ (hash >> 12)) % slot_count;
}

constexpr void insert(std::array<Entry, slot_count>& table, std::string_view name, FunctionKind kind) {
  std::size_t slot = first_slot(name);
  while (table[slot].size != 0) {
    if (table[slot].text() == name) throw "a name is listed twice";  // ends the compilation
    slot = (slot + 1) % slot_count;
  }
  table[slot] = {name.data(), static_cast<std::uint8_t>(name.size()), kind};
}

constexpr auto table = [] {
  std::array<Entry, slot_count> entries{};
  for (const NamesOfKind& list : lists) {
    std::string_view rest = list.names;
    while (!rest.empty()) {
      const std::size_t size = rest.find(' ');
      insert(entries, rest.substr(0, size), list.kind);
      rest.remove_prefix(size + 1);
    }
  }
  return entries;
}();

}  // namespace

FunctionKind function_kind(std::string_view name) {
  for (std::size_t slot = first_slot(name); table[slot].size != 0; slot = (slot + 1) % slot_count) {
    const std::string_view known = table[slot].text();
    if (known.size() == name.size() && equals_folded(name.data(), known)) return table[slot].kind;
  }
  return FunctionKind::unknown;
}

}  // namespace ballast
