// ConsoleAnswer: what a command comes to, before it is put on the wire. Plain data.
#pragma once

#include <string>

#include "protocol/pg_error.hpp"

#include "proxy/app/console_table.hpp"

namespace ballast {

struct ConsoleAnswer {
  PgError error;       // no message: it went well
  ConsoleTable table;  // no columns: there is none
  PgError notice;      // no message: none
};

}  // namespace ballast
