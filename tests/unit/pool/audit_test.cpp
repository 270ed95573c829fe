#include "proxy/pool/audit.hpp"

#include <array>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string column(const std::string& value) {
  return wire::int32(static_cast<std::int64_t>(value.size())) + value;
}
std::string row(const std::string& kind, const std::string& name = "", const std::string& value = "") {
  return "\0\3"s + column(kind) + column(name) + column(value);
}

}  // namespace

// The question ----------------------------------------------------------------------------------------------

TEST_CASE("of each kind of residue only those places are looked at that were asked for") {
  const std::array<std::pair<Residue, std::string_view>, 6> places{
      {{Residue::settings, "pg_catalog.pg_settings"},
       {Residue::advisory_locks, "pg_catalog.pg_locks"},
       {Residue::temp_objects, "pg_catalog.pg_my_temp_schema()"},
       {Residue::hold_cursors, "pg_catalog.pg_cursors"},
       {Residue::prepared, "pg_catalog.pg_prepared_statements"},
       {Residue::listening, "pg_catalog.pg_listening_channels()"}}};
  for (const auto& one : places) {
    for (const auto& other : places) {
      const bool is_same = one.first == other.first;
      CHECK(contains(audit_query(one.first, {}), other.second) == is_same);
      CHECK(contains(audit_query(one.first | other.first, {}), other.second));
    }
  }
  CHECK(audit_query({}, {}).empty());
  CHECK(audit_query({}, {"app.user"}).empty());
}

TEST_CASE("several kinds are one query, behind one that ends the client's timeouts") {
  const std::string query = audit_query(Residue::temp_objects | Residue::prepared, {});
  const std::size_t end = query.find(';');
  CHECK(query.starts_with("SELECT 'w',"));
  CHECK(query.substr(end + 1).starts_with("SELECT 't'"));
  CHECK(contains(query, " UNION ALL SELECT 'p'"));
  CHECK(query.find(';', end + 1) == std::string::npos);
}

TEST_CASE("custom settings are asked for by name, with the other settings only") {
  const CustomSettings custom{"app.user", "it's.\\one"};
  const std::string query = audit_query(Residue::settings, custom);
  CHECK(contains(query, "ARRAY['app.user',E'it''s.\\\\one']"));
  CHECK(contains(query, "ELSE 's' END,coalesce(name,n),"));
  CHECK_FALSE(contains(audit_query(Residue::advisory_locks, custom), "app.user"));
  CHECK_FALSE(contains(audit_query(Residue::settings, {}), "ARRAY"));
}

TEST_CASE("the settings of a module count only if the session has changed them, even if they are asked for") {
  // Its defaults may be nobody's to set: no server could be asked for them.
  const std::string query = audit_query(Residue::settings, {"plpgsql.variable_conflict"});
  CHECK(contains(query, "FULL JOIN"));
  CHECK(contains(query, " OR name IS NULL AND (pg_catalog.current_setting(n,true)<>'' OR "));
}

TEST_CASE("a name can be asked for if it is identifiers with dots between them, in any encoding") {
  for (const std::string& name :
       {"a.b"s, "app.user_id"s, "App.User.X1"s, "_a._b$"s, std::string(126, 'a') + ".b"}) {
    CAPTURE(name);
    CHECK(is_custom_setting(name));
  }
  for (const std::string& name :
       {""s, "."s, "a"s, "a."s, ".a"s, "a..b"s, "a.1"s, "1.a"s, "a.$"s, "a b.c"s, "a.b c"s, "a-b.c"s, "a.'"s,
        "a.\xc3\xa9"s, "a.b\0"s, std::string(127, 'a') + ".b"}) {
    CAPTURE(name);
    CHECK_FALSE(is_custom_setting(name));
  }
}

TEST_CASE("a name that PostgreSQL refuses in any encoding leaves nothing behind") {
  for (const std::string_view name : {"app.bad-guc", "app.weird name", "app.\"x\""})
    CHECK(is_impossible_setting(name));
  for (const std::string_view name : {"app.user_id", "a.b.c", "\xFC.x", "app.$1"})
    CHECK_FALSE(is_impossible_setting(name));
}

// The answer ------------------------------------------------------------------------------------------------

TEST_CASE("settings are found with their names in lower case and their values as they are") {
  Findings findings;
  CHECK(read_finding(row("s", "TimeZone", "Asia/Tokyo"), "ann", findings));
  CHECK(read_finding(row("s", "app.User", "\xff ' \\"), "ann", findings));
  CHECK(read_finding(row("s", "search_path", ""), "ann", findings));
  CHECK(findings.settings ==
        ReportedParameters{{"timezone", "Asia/Tokyo"}, {"app.user", "\xff ' \\"}, {"search_path", ""}});
  CHECK(findings.residue.empty());
}

TEST_CASE("a role is a finding unless it is none, a user unless it is the one that logged in") {
  Findings findings;
  CHECK(read_finding(row("i", "role", "none"), "ann", findings));
  CHECK(read_finding(row("i", "session_authorization", "ann"), "ann", findings));
  CHECK(findings.settings.empty());
  CHECK(read_finding(row("i", "role", "ann"), "ann", findings));
  CHECK(read_finding(row("i", "session_authorization", "none"), "ann", findings));
  CHECK(findings.settings == ReportedParameters{{"role", "ann"}, {"session_authorization", "none"}});
}

TEST_CASE("the seed of random() can be seen to be set, but not what it is") {
  Findings findings;
  CHECK(read_finding(row("s", "seed", "unavailable"), "ann", findings));
  CHECK(findings.settings.empty());
  CHECK(findings.residue == Residue::random_seed);
}

TEST_CASE("a timeout is found unless it is its default") {
  Findings findings;
  CHECK(read_finding(row("w", "statement_timeout", "5ms 0 0"), "ann", findings));
  CHECK(read_finding(row("w", "lock_timeout", "1min 1min 0"), "ann", findings));
  CHECK(findings.settings == ReportedParameters{{"statement_timeout", "5ms"}});
}

TEST_CASE("a setting without a value is one that is too long") {
  Findings findings;
  CHECK(read_finding("\0\3"s + column("s") + column("a.b") + wire::int32(-1), "ann", findings));
  CHECK(findings.has_long_value);
  CHECK(findings.settings.empty());
}

TEST_CASE("what only a superuser may set can travel with one only") {
  Findings findings;
  CHECK(read_finding(row("s", "work_mem", "64kB"), "ann", findings));
  CHECK(findings.can_travel());
  CHECK(read_finding(row("x", "log_statement", "all"), "ann", findings));
  CHECK(findings.settings == ReportedParameters{{"work_mem", "64kB"}, {"log_statement", "all"}});
  CHECK_FALSE(findings.can_travel());
  CHECK(read_finding(row("i", "session_authorization", "bob"), "ann", findings));
  CHECK(findings.can_travel());
}

TEST_CASE("names of settings that functions set are not settings yet") {
  Findings findings;
  CHECK(read_finding(row("c", "app.user"), "ann", findings));
  CHECK(findings.setting_names == CustomSettings{"app.user"});
  CHECK(findings.settings.empty());
}

TEST_CASE("each other letter stands for something that is there") {
  const std::array<std::pair<std::string, Residue>, 5> letters{{{"l", Residue::advisory_locks},
                                                                {"t", Residue::temp_objects},
                                                                {"h", Residue::hold_cursors},
                                                                {"p", Residue::prepared},
                                                                {"n", Residue::listening}}};
  Findings all;
  for (const auto& [letter, residue] : letters) {
    Findings findings;
    CHECK(read_finding(row(letter), "ann", findings));
    CHECK(findings.residue == residue);
    CHECK(read_finding(row(letter), "ann", all));
  }
  CHECK(all.settings.empty());
  CHECK(all.residue.has(Residue::advisory_locks));
  CHECK(all.residue.has(Residue::listening));
}

TEST_CASE("a row that is not one of ours is none") {
  const std::string good = row("s", "a", "b");
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CAPTURE(cut);
    Findings findings;
    CHECK_FALSE(read_finding(good.substr(0, cut), "ann", findings));
    CHECK(findings.settings.empty());
  }
  for (const std::string& bad :
       {good + "x", row("y"), row(""), row("ss", "a", "b"), "\0\2"s + column("s") + column("a"),
        "\0\4"s + column("s") + column("a") + column("b") + column("c"),
        "\0\3"s + column("l") + column("") + "\xff\xff\xff\xff"s,
        "\0\3"s + column("s") + "\xff\xff\xff\xff"s + column("b"), row("w", "lock_timeout", "5ms 0")}) {
    Findings findings;
    CHECK_FALSE(read_finding(bad, "ann", findings));
    CHECK(findings.settings.empty());
    CHECK(findings.residue.empty());
  }
}

}  // namespace ballast
