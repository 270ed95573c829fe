#include "proxy/sql/repeatable.hpp"

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("what only reads may be run again") {
  for (const std::string_view sql :
       {"select 1", "SELECT a, count(*) FROM t WHERE b IN (1, 2) AND c = lower($1)", "values (1), (2)",
        "table t", "show search_path", "with x as (select 1) select * from x", "select 1; select 2", "",
        "select 'insert into t'", "select current_setting('x.y')",
        "select cast(a as numeric(10, 2)) from t"}) {
    CAPTURE(sql);
    CHECK(repeatable(sql) == Repeatable::always);
  }
}

TEST_CASE("what only takes its session to some state may be run again on another server") {
  for (const std::string_view sql : {"SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
                                     "set a.b = 'c'", "reset role", "SET statement_timeout TO '5s'",
                                     "DISCARD ALL", "select pg_advisory_unlock(1)", "close c"}) {
    CAPTURE(sql);
    CHECK(repeatable(sql) == Repeatable::always);
  }
  CHECK(repeatable("set a.b = 'c'; insert into t values (1)") == Repeatable::if_undone);
}

TEST_CASE("what writes may be run again if the first time was undone") {
  for (const std::string_view sql :
       {"insert into t (a) values ($1) returning id", "update t set a = 1", "DELETE FROM t",
        "merge into t using s on t.a = s.a when matched then delete",
        "with x as (delete from t returning *) select * from x", "select * from t for update", "select f(1)",
        "select nextval('s')", "select \"count\"(*) from s.lower('x')", "select pg_notify('a', 'b')",
        "select 1; update t set a = 2"}) {
    CAPTURE(sql);
    CHECK(repeatable(sql) == Repeatable::if_undone);
  }
}

TEST_CASE("what decides over transactions, or outlasts them, is never run again") {
  for (const std::string_view sql :
       {"begin", "commit", "update t set a = 1; commit", "call p()", "do $$ begin end $$", "vacuum t",
        "create table t (a int)", "select * into t from s", "select dblink_connect('x')",
        "select set_config('a.b', 'c', false)", "copy t from stdin", "execute x", "explain select 1",
        "lock t", "select 'unterminated", "notify x", "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock(1)", "reset role; listen x"}) {
    CAPTURE(sql);
    CHECK(repeatable(sql) == Repeatable::never);
  }
}

}  // namespace ballast
