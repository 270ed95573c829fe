// What a client's StartupMessage asks of its session: its parameters, and those within `options`
// (PostgreSQL manual, "Server Configuration", -c name=value; --name=value; src/port and postmaster's
// pg_split_opts() for the escapes). Pure.
#pragma once

#include "protocol/pg_error.hpp"
#include "protocol/startup.hpp"

#include "proxy/pool/parameter_set.hpp"
#include "proxy/pool/waiter.hpp"

namespace ballast {

struct StartupValues {
  ReportedParameters values;             // names in lower case
  Priority priority = Priority::normal;  // ballast.priority, which no server is told
  PgError error;                         // FATAL, as PostgreSQL would refuse them; empty message: all is well
};

// Parameters given by themselves win over those in `options`, as in PostgreSQL.
StartupValues read_startup_values(const StartupParameters& parameters);

}  // namespace ballast
