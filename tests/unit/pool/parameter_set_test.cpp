#include "proxy/pool/parameter_set.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

const ReportedParameters bare{{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"application_name", ""}};

std::string set(const std::string& name, const std::string& value) {
  return "SELECT pg_catalog.set_config('" + name + "'," + value + ",false);";
}
// The query that brings a bare server to one setting.
std::string setting(const std::string& value) {
  ParameterSet to;
  to.values["a"] = value;
  return transition({}, to);
}

}  // namespace

TEST_CASE("equal sets are one object, other values another") {
  ParameterSets sets;
  const ParameterSetRef empty = sets.intern({});
  const ParameterSetRef utc = sets.intern({{"timezone", "UTC"}});
  CHECK(sets.intern({}) == empty);
  CHECK(sets.intern({{"timezone", "UTC"}}) == utc);
  CHECK(empty != utc);
  CHECK(sets.size() == 2);
}

TEST_CASE("values that differ only in case are different [5.4-77]") {
  ParameterSets sets;
  CHECK(sets.intern({{"search_path", "A"}}) != sets.intern({{"search_path", "a"}}));
  const std::string query =
      transition(*sets.intern({{"search_path", "A"}}), *sets.intern({{"search_path", "a"}}));
  CHECK(query == set("search_path", "'a'"));
}

TEST_CASE("names and values are not confused with each other") {
  ParameterSets sets;
  CHECK(sets.intern({{"a", "bc"}}) != sets.intern({{"ab", "c"}}));
  CHECK(sets.intern({{"a", ""}, {"b", ""}}) != sets.intern({{"a", "b"}}));
}

TEST_CASE("a set is proven once a server has reported it") {
  ParameterSets sets;
  const ParameterSetRef set = sets.intern({{"timezone", "UTC"}});
  CHECK_FALSE(set->proven());
  set->reported = bare;
  CHECK(set->proven());
  CHECK(sets.intern({{"timezone", "UTC"}})->proven());
}

TEST_CASE("a reported change leads to another set, in lower case") {
  ParameterSets sets;
  const ParameterSetRef start = sets.intern({});
  start->reported = bare;
  const ParameterSetRef changed = sets.changed(*start, "TimeZone", "Europe/Berlin", bare);
  CHECK(changed->values == ReportedParameters{{"timezone", "Europe/Berlin"}});
  CHECK(changed == sets.intern({{"timezone", "Europe/Berlin"}}));
  CHECK(changed->proven());
  CHECK(changed->reported.at("TimeZone") == "Europe/Berlin");
  CHECK(changed->reported.at("DateStyle") == "ISO, MDY");
  CHECK(start->reported.at("TimeZone") == "UTC");
}

TEST_CASE("a change back to what the bare server reports is no difference [5.4-78]") {
  ParameterSets sets;
  const ParameterSetRef start = sets.intern({});
  start->reported = bare;
  const ParameterSetRef changed = sets.changed(*start, "TimeZone", "Europe/Berlin", bare);
  CHECK(sets.changed(*changed, "TimeZone", "UTC", bare) == start);
  CHECK(sets.changed(*start, "TimeZone", "UTC", bare) == start);
}

TEST_CASE("a setting that the bare server does not report is kept") {
  ParameterSets sets;
  const ParameterSetRef start = sets.intern({});
  const ParameterSetRef changed = sets.changed(*start, "custom.thing", "", bare);
  CHECK(changed->values == ReportedParameters{{"custom.thing", ""}});
  CHECK_FALSE(changed->proven());
}

TEST_CASE("a proven set's own report is not overwritten by another way to it") {
  ParameterSets sets;
  const ParameterSetRef start = sets.intern({});
  start->reported = bare;
  const ParameterSetRef known = sets.intern({{"timezone", "Asia/Tokyo"}});
  known->reported = {{"TimeZone", "Asia/Tokyo"}, {"more", "1"}};
  CHECK(sets.changed(*start, "TimeZone", "Asia/Tokyo", bare) == known);
  CHECK(known->reported.at("more") == "1");
}

TEST_CASE("a sweep keeps what somebody holds and forgets the rest, when there is too much") {
  ParameterSets sets;
  const ParameterSetRef held = sets.intern({{"a", "held"}});
  sets.sweep();
  CHECK(sets.size() == 1);
  for (int i = 0; i < 1200; ++i) sets.intern({{"a", std::to_string(i)}});
  sets.sweep();
  CHECK(sets.size() == 1);
  CHECK(sets.intern({{"a", "held"}}) == held);
}

// Transitions -----------------------------------------------------------------------------------------------

TEST_CASE("between equal sets there is nothing to do") {
  ParameterSet set;
  set.values = {{"a", "1"}, {"b", "2"}};
  CHECK(transition(set, set).empty());
  CHECK(transition({}, {}).empty());
}

TEST_CASE("a transition resets what is not wanted, sets what differs, and leaves what is equal") {
  ParameterSet from;
  from.values = {{"equal", "1"}, {"gone", "2"}, {"other", "3"}};
  ParameterSet to;
  to.values = {{"equal", "1"}, {"new", "4"}, {"other", "5"}};
  CHECK(transition(from, to) == "RESET \"gone\";" + set("new", "'4'") + set("other", "'5'"));
  CHECK(transition(to, from) == "RESET \"new\";" + set("gone", "'2'") + set("other", "'3'"));
}

TEST_CASE("values with quotes and backslashes are quoted so that they mean themselves [5.4-76]") {
  CHECK(setting("") == set("a", "''"));
  CHECK(setting("it's") == set("a", "'it''s'"));
  CHECK(setting("''") == set("a", "''''''"));
  CHECK(setting("back\\slash") == set("a", "E'back\\\\slash'"));
  CHECK(setting("\\'; DROP TABLE t; --") == set("a", "E'\\\\''; DROP TABLE t; --'"));
  CHECK(setting("\"$user\", public") == set("a", "'\"$user\", public'"));
  CHECK(setting("line\nbreak\ttab") == set("a", "'line\nbreak\ttab'"));
  CHECK(setting("Zürich ☃") == set("a", "'Zürich ☃'"));
}

TEST_CASE("very long values are not cut [5.4-77]") {
  for (const std::size_t size : {127U, 128U, 129U, 299U, 301U, 5000U}) {
    const std::string value(size, 'x');
    CHECK(setting(value) == set("a", "'" + value + "'"));
  }
}

TEST_CASE("a name with a dot is reset part by part") {
  ParameterSet from;
  from.values = {{"my.custom.thing", "1"}, {"plain$name", "2"}};
  CHECK(transition(from, {}) == "RESET \"my\".\"custom\".\"thing\";RESET \"plain$name\";");
}

// Who the session is ----------------------------------------------------------------------------------------

namespace {

ParameterSet with(const ReportedParameters& values) {
  ParameterSet set;
  set.values = values;
  return set;
}
const std::string back_to_itself = "RESET ROLE;RESET SESSION AUTHORIZATION;";

}  // namespace

TEST_CASE("a session becomes another only when all else is set, and first as the user, then in the role") {
  const ReportedParameters values{
      {"role", "reader"}, {"session_authorization", "bob"}, {"work_mem", "64"}, {"zone", "1"}};
  const std::string all = set("work_mem", "'64'") + set("zone", "'1'") +
                          set("session_authorization", "'bob'") + set("role", "'reader'");
  CHECK(set_commands(values) == all);
  CHECK(transition({}, with(values)) == all);
  CHECK(set_commands({}).empty());
}

TEST_CASE("a session is itself again before anything else of it changes") {
  const ParameterSet reader = with({{"role", "reader"}, {"work_mem", "64"}});
  CHECK(transition(reader, {}) == back_to_itself + "RESET \"work_mem\";");
  CHECK(transition(reader, with({{"work_mem", "64"}})) == back_to_itself);
  CHECK(transition(reader, with({{"role", "writer"}, {"work_mem", "64"}})) ==
        back_to_itself + set("role", "'writer'"));
  CHECK(transition(reader, with({{"role", "reader"}, {"work_mem", "32"}})) ==
        back_to_itself + set("work_mem", "'32'") + set("role", "'reader'"));
  CHECK(transition(with({{"session_authorization", "bob"}}), with({{"role", "reader"}})) ==
        back_to_itself + set("role", "'reader'"));
  CHECK(transition(reader, reader).empty());
}

TEST_CASE("a role's name is a value, whatever is in it") {
  CHECK(transition({}, with({{"role", "o'neill\\"}})) == set("role", "E'o''neill\\\\'"));
}

TEST_CASE("only what may have been dropped since can be refused") {
  CHECK_FALSE(may_be_refused({}, {}));
  CHECK_FALSE(may_be_refused({}, with({{"timezone", "UTC"}, {"search_path", "gone"}, {"app.x", ""}})));
  for (const std::string name : {"role", "session_authorization", "default_tablespace", "temp_tablespaces",
                                 "default_table_access_method", "default_text_search_config"}) {
    CAPTURE(name);
    CHECK(may_be_refused({}, with({{name, "a"}})));
    CHECK(may_be_refused(with({{name, "b"}}), with({{name, "a"}})));
    CHECK_FALSE(may_be_refused(with({{name, "a"}}), with({{name, "a"}})));
    CHECK_FALSE(may_be_refused(with({{name, "a"}}), {}));
  }
}

TEST_CASE("a role that is left to set something else may be refused when it is taken again") {
  const ParameterSet reader = with({{"role", "reader"}});
  CHECK(may_be_refused(reader, with({{"role", "reader"}, {"work_mem", "32"}})));
  CHECK(may_be_refused(with({{"role", "reader"}, {"work_mem", "32"}}), reader));
  CHECK_FALSE(may_be_refused(reader, with({{"work_mem", "32"}})));
}

TEST_CASE("a parameter's name has nothing in it that could end its quotes") {
  for (const std::string_view good :
       {"application_name", "TimeZone", "my.custom", "a$b", "pg_stat_statements.track", "x1", "größe"}) {
    CAPTURE(good);
    CHECK(is_parameter_name(good));
  }
  for (const std::string_view bad :
       {"", "a b", "a\"b", "a'b", "a;b", "a-b", "a=b", "a\\b", "a\nb", "a/b", "(a)"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_parameter_name(bad));
  }
  CHECK(is_parameter_name(std::string(255, 'a')));
  CHECK_FALSE(is_parameter_name(std::string(256, 'a')));
}

}  // namespace ballast
