// ErrorResponse and NoticeResponse: fields by their code letters (PostgreSQL manual, "Error and Notice
// Message Fields"). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pg_error.hpp"

namespace ballast {

PgError fatal(std::string_view sqlstate, std::string message);

// Appends an ErrorResponse (severity error, fatal) or NoticeResponse (notice, warning) with S, V, C, M and,
// where set, D and H.
void write_error(std::string& out, const PgError& error);

// Reads what a server sent. Missing fields stay empty (a server may omit SQLSTATE: CVE-2026-6666); unknown
// field codes are skipped; a body without its end is read as far as it goes.
PgError read_error(std::string_view body);

// The body of an ErrorResponse with `from` replaced by `to` in its message and detail, all else byte by byte.
std::string replace_in_error(std::string_view body, std::string_view from, std::string_view to);

}  // namespace ballast
