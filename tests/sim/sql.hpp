// The SQL of the scripted PostgreSQL: as much of the language as clients of a run speak, and what the pooler
// itself says.
//
//   SELECT 'token' | SELECT $1          one row: the token, and the settings under which it ran
//   ROWS n size 'token' | ROWS n size $1   n rows of that size
//   SLEEP ms 'token'                    one row, after a while; can be canceled
//   COPY IN 'token' | COPY OUT n size 'token'
//   BEGIN | COMMIT | ROLLBACK | FAIL | NOTICE 'text' | DDL | DISCARD ALL | DEALLOCATE ALL
//   SET [LOCAL] name = 'value' | SELECT CASE ... (an audit of the settings) | RESET "name" | SELECT
//   pg_catalog.set_config('n','v',false) | SELECT pg_catalog.current_setting... (of how many connections it
//   takes)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ballast::sim {

struct Command {
  enum class Kind {
    select,
    rows,
    sleep,
    copy_in,
    copy_out,
    begin,
    commit,
    rollback,
    set,
    set_local,
    set_config,
    reset,
    fail,
    notice,
    ddl,
    discard_all,
    deallocate_all,
    audit,
    limits,
  };
  Kind kind = Kind::select;
  std::string token;             // of SELECT, ROWS, ...; the text of a NOTICE
  bool takes_parameter = false;  // $1 stands for the token
  std::string name;              // of SET, RESET
  std::string value;
  int count = 0;
  int size = 0;  // of a row in bytes; of a SLEEP in milliseconds

  bool returns_rows() const;
  bool ends_transaction() const { return kind == Kind::commit || kind == Kind::rollback; }
  bool controls_transaction() const { return kind == Kind::begin || ends_transaction(); }
};

// The commands between semicolons; none for an empty string; nullopt: a syntax error.
std::optional<std::vector<Command>> parse_sql(std::string_view text);

}  // namespace ballast::sim
