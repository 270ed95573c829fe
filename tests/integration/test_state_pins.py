"""What can't travel: temporary objects, held cursors, PREPARE, LOAD. Who has any keeps its server, and no longer."""

import psycopg2
import pytest

from processes import wait_until
from wire import COPY_DONE, SYNC, bind, close, copy_data, execute, parse, query


@pytest.fixture
def client(crowd):
    client = crowd.client()
    client.run("set app.user_id = 'me'")
    return client


# Temporary objects ----------------------------------------------------------------------------------------------------

TEMPORARY = {
    "a table": ("create temp table mine (id int)", "select count(*) from mine", "drop table mine"),
    "a table in the long spelling": (
        "CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS mine (id int) ON COMMIT DELETE ROWS",
        "select count(*) from mine",
        "drop table pg_temp.mine",
    ),
    "a table in pg_temp": ("create table pg_temp.mine (id int)", "select count(*) from mine", "drop table mine"),
    "a table as a select": ("create temp table mine as select 0 as id", "select id from mine", "drop table mine"),
    "select into temp": ("select 0 as id into temp mine", "select id from mine", "drop table if exists mine"),
    "select into pg_temp": ("select 0 as id into pg_temp.mine", "select id from mine", "drop table mine"),
    "create as execute": (
        "prepare zero as select 0 as id; create temp table mine as execute zero; deallocate zero",
        "select id from mine",
        "drop table mine",
    ),
    "a view": ("create temp view mine as select 0 as id", "select id from mine", "drop view mine"),
    "a view of a temporary table": (
        "create temp table base as select 0 as id; create view mine as select * from base",
        "select id from mine",
        "drop table base cascade",
    ),
    "a sequence": ("create temp sequence mine minvalue 0", "select last_value from mine", "drop sequence mine"),
    "a function": (
        "create function pg_temp.mine() returns int language sql as 'select 0'",
        "select pg_temp.mine()",
        "drop function pg_temp.mine()",
    ),
    "a composite type": ("create type pg_temp.mine as (id int)", "select (row(0)::mine).id", "drop type pg_temp.mine"),
    "an enum": ("create type pg_temp.mine as enum ('0')", "select '0'::mine", "drop type mine"),
    "a domain": ("create domain pg_temp.mine as int", "select 0::mine", "drop domain mine"),
    "an aggregate": (
        "create aggregate pg_temp.mine(int) (sfunc = int4pl, stype = int, initcond = 0)",
        "select pg_temp.mine(0)",
        "drop aggregate pg_temp.mine(int)",
    ),
    "an operator": (
        "create operator pg_temp.## (leftarg = int, rightarg = int, function = int4mi)",
        "select 1 operator(pg_temp.##) 1",
        "drop operator pg_temp.## (int, int)",
    ),
    "a table made by a function": (
        "do $$ begin execute 'create temp table mine as select 0 as id'; end $$",
        "select id from mine",
        "do $$ begin drop table mine; end $$",
    ),
    "a table made with a search_path": (
        "set search_path = pg_temp; create table mine as select 0 as id",
        "select id from mine",
        "drop table mine; reset search_path",
    ),
}


@pytest.mark.parametrize("kind", TEMPORARY)
def test_a_temporary_object(crowd, client, kind):
    create, use, drop = TEMPORARY[kind]
    bystander = crowd.client()
    for _ in range(2):
        client.run(create)
        client.keeps_its_server()
        assert client.value(use) == "0"
        assert bystander.ask(query(use)).sqlstates, f"{kind} is seen by others"
        client.run(drop)
        client.shares_servers()
        assert client.ask(query(use)).sqlstates, f"{kind} is there after it was dropped"
    assert client.setting("app.user_id") == "me"


@pytest.mark.parametrize("end", ["drop", "commit", "rollback", "savepoint", "discard"])
def test_the_end_of_a_temporary_table(client, end):
    on_commit = "on commit drop" if end == "commit" else ""
    client.run("begin; savepoint a")
    client.run(f"create temp table mine {on_commit} as select 1 as id")
    assert client.value("select id from mine") == "1"
    if end == "savepoint":
        client.run("rollback to a")
    client.run("rollback" if end == "rollback" else "commit")
    if end in ("drop", "discard"):
        client.keeps_its_server()
        client.run("drop table mine" if end == "drop" else "discard temp")
    client.shares_servers()
    assert client.fails("select * from mine") == "42P01"


def test_a_drop_that_is_rolled_back(client):
    client.run("create temp table mine as select 1 as id")
    client.keeps_its_server()
    client.run("begin; drop table mine; rollback")
    client.keeps_its_server()
    assert client.value("select id from mine") == "1"


def test_one_of_two_temporary_tables_is_dropped(client):
    client.run("create temp table one (); create temp table two ()")
    client.keeps_its_server()
    client.run("drop table one")
    client.keeps_its_server()
    client.run("select * from two; drop table two")
    client.shares_servers()


def test_a_temporary_table_that_hides_a_real_one(crowd, client):
    client.run("set search_path = blue")
    client.run("create temp table place as select 'mine' as name")
    client.keeps_its_server()
    bystander = crowd.client(options="-c search_path=blue")
    for _ in range(2):
        assert client.value("select name from place") == "mine"
        assert bystander.value("select name from place") == "blue"
    client.run("drop table pg_temp.place")
    client.shares_servers()
    assert client.value("select name from place") == "blue"


def test_a_temporary_table_used_in_every_protocol(client):
    client.call("create temp table mine (id int)")
    client.keeps_its_server()
    client.send(query("copy mine from stdin"))
    client.read_until("G")
    client.ask(copy_data(b"1\n2\n"), COPY_DONE)
    client.ask(parse("sum", "select sum(id) from mine where id >= $1"), SYNC)
    for _ in range(2):
        assert client.ask(bind("", "sum", (2,)), execute(), SYNC).rows == [[b"2"]]
    client.call("drop table mine")
    client.shares_servers()


def test_a_client_that_is_gone_leaves_no_temporary_table(crowd, client):
    client.run("create temp table mine as select 1 as id")
    client.keeps_its_server()
    crowd.leaves(client)
    newcomer = crowd.client()
    for _ in range(4):
        assert newcomer.fails("select * from mine") == "42P01"
        newcomer.run("create temp table mine (other int)")
        newcomer.keeps_its_server()
        newcomer.run("drop table mine")
        newcomer.shares_servers()


def test_temporary_tables_of_more_clients_than_strangers_need(gather):
    crowd = gather(servers=4)
    clients = [crowd.client() for _ in range(3)]
    for number, client in enumerate(clients):
        client.run(f"create temp table mine as select {number} as id")
        client.keeps_its_server()
    for _ in range(2):
        for number, client in enumerate(clients):
            assert client.value("select id from mine") == str(number)
    for client in clients:
        client.run("drop table mine")
        client.shares_servers()


# Cursors --------------------------------------------------------------------------------------------------------------


def test_a_held_cursor_survives_its_transaction(client):
    client.run("begin; declare held cursor with hold for select generate_series(1, 5)")
    assert client.rows("fetch 2 from held") == ["1", "2"]
    client.run("commit")
    client.keeps_its_server()
    assert client.rows("fetch 2 from held") == ["3", "4"]
    client.run("close held")
    client.shares_servers()
    assert client.fails("fetch held") == "34000"


@pytest.mark.parametrize("end", ["close held", "close all", "begin; close held; commit", "discard all"])
def test_a_held_cursor_made_outside_a_transaction(client, end):
    client.run("declare held scroll cursor with hold for select generate_series(1, 5)")
    client.keeps_its_server()
    assert client.rows("fetch last from held") == ["5"]
    client.run(end)
    client.shares_servers()


def test_cursors_without_hold_end_with_the_transaction(client):
    client.run("begin; declare plain cursor for select 1")
    client.run("commit")
    client.shares_servers()
    assert client.fails("fetch plain") == "34000"


def test_a_held_cursor_of_a_transaction_that_is_rolled_back(client):
    client.run("begin; declare held cursor with hold for select 1; rollback")
    client.shares_servers()
    assert client.fails("fetch held") == "34000"


def test_a_held_cursor_of_anothers_name(crowd, client):
    client.run("declare held cursor with hold for select 1")
    client.keeps_its_server()
    bystander = crowd.client()
    assert bystander.fails("fetch held") == "34000"
    bystander.run("close all")
    assert client.rows("fetch held") == ["1"]


def test_a_refcursor_of_a_function(client):
    client.run("begin")
    client.run("do $$ declare c refcursor := 'made'; begin open c for select 7; end $$")
    assert client.rows("fetch made") == ["7"]
    client.run("commit")
    client.shares_servers()


def test_a_held_cursor_of_a_driver(gather):
    crowd = gather(servers=3)
    other = crowd.client()
    connection = psycopg2.connect(crowd.pooler.url(*crowd.login))
    connection.autocommit = True
    crowd.servers -= 1  # for as long as the cursor is there
    with connection.cursor("held", withhold=True) as cursor:
        cursor.itersize = 10
        cursor.execute("select generate_series(1, 100)")
        found = []
        for (number,) in cursor:
            found.append(number)
            other.run("select 1")
    assert found == list(range(1, 101))
    crowd.servers += 1
    other.shares_servers()
    connection.close()


# PREPARE --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["deallocate mine", "DEALLOCATE PREPARE mine", "deallocate all", "discard all"])
def test_a_statement_prepared_by_sql(crowd, client, end):
    client.run("prepare mine (int) as select $1 + 1")
    client.keeps_its_server()
    assert client.value("execute mine(1)") == "2"
    assert crowd.client().fails("execute mine(1)") == "26000"
    client.run(end)
    client.shares_servers()
    assert client.fails("execute mine(1)") == "26000"


def test_a_prepare_is_not_undone_by_a_rollback(client):
    client.run("begin; prepare mine as select 1; rollback")
    client.keeps_its_server()
    assert client.value("execute mine") == "1"
    client.run("begin; deallocate mine; rollback")
    client.shares_servers()
    assert client.fails("execute mine") == "26000"


def test_two_clients_prepare_the_same_name(gather):
    crowd = gather(servers=3)
    one, other = crowd.client(), crowd.client()
    one.run("prepare mine as select 'one'")
    one.keeps_its_server()
    other.run("prepare mine as select 'other'")
    other.keeps_its_server()
    assert (one.value("execute mine"), other.value("execute mine")) == ("one", "other")
    assert one.fails("prepare mine as select 1") == "42P05"


def test_a_protocol_level_statement_is_there_for_execute(client):
    client.ask(parse("mine", "select $1::int + 1"), SYNC)
    for _ in range(2):
        assert client.value("execute mine(1)") == "2"
        assert client.value("explain (costs off) execute mine(1)").startswith("Result")
    client.run("deallocate mine")
    client.shares_servers()
    assert client.ask(bind("", "mine", (1,)), execute(), SYNC).sqlstates == ["26000"]


def test_execute_by_the_protocol_of_a_protocol_level_statement(client):
    client.ask(parse("mine", "select $1::int + 1"), parse("runs_it", "execute mine(1)"), SYNC)
    for _ in range(2):
        assert client.call("execute mine(1)").rows == [[b"2"]]
        assert client.ask(bind("", "runs_it"), execute(), bind("", "runs_it"), execute(), SYNC).rows == [[b"2"]] * 2
        client.shares_servers()
    client.run("begin")
    client.run("create table mine_too as execute mine(6)")
    assert client.value("select * from mine_too") == "7"
    client.run("rollback")
    client.shares_servers()


def test_execute_of_a_protocol_level_statement_that_fails(client):
    client.ask(parse("mine", "select 1 / $1::int"), SYNC)
    for _ in range(2):
        assert client.fails("execute mine(0)") == "22012"
        assert client.fails("execute mine") == "42601"
        assert client.fails("execute others(0)") == "26000"
        client.run("begin")
        assert client.fails("execute mine(0)") == "22012"
        assert client.fails("execute mine(1)") == "25P02"
        client.run("rollback")
        assert client.value("execute mine(1)") == "1"
        client.shares_servers()


def test_a_statement_prepared_by_sql_is_there_for_bind(client):
    client.run("prepare mine (int) as select $1 + 1")
    client.keeps_its_server()
    for _ in range(2):
        assert client.ask(bind("", "mine", (1,)), execute(), SYNC).rows == [[b"2"]]
    client.ask(close("S", "mine"), SYNC)
    client.shares_servers()
    assert client.fails("execute mine(1)") == "26000"


def test_protocol_level_statements_never_pin(client):
    client.ask(parse("mine", "select $1::int + 1"), SYNC)
    for _ in range(2):
        assert client.ask(bind("", "mine", (1,)), execute(), SYNC).rows == [[b"2"]]
        client.shares_servers()


# LOAD -----------------------------------------------------------------------------------------------------------------


def test_a_loaded_library_stays(gather):
    crowd = gather(user="chief", servers=3)
    client, bystander = crowd.client(), crowd.client()
    client.run("load 'auto_explain'")
    client.keeps_its_server()
    client.run("set auto_explain.log_min_duration = '7s'")
    for _ in range(2):
        assert client.setting("auto_explain.log_min_duration") == "7s"
        assert client.fails("set auto_explain.log_min_duration = 'never'") == "22023"  # it knows what it is
        bystander.run("select 1")


# Large objects --------------------------------------------------------------------------------------------------------


def test_descriptors_of_large_objects_end_with_the_transaction(client):
    made = client.value("select lo_from_bytea(0, 'content')")
    client.shares_servers()
    client.run("begin")
    descriptor = client.value(f"select lo_open({made}, {0x60000})")
    assert client.value(f"select convert_from(loread({descriptor}, 100), 'UTF8')") == "content"
    client.run("commit")
    client.shares_servers()
    assert client.fails(f"select loread({descriptor}, 100)") == "42704"
    assert client.value(f"select lo_unlink({made})") == "1"


# Unpinning ------------------------------------------------------------------------------------------------------------


def test_a_pinned_client_for_several_reasons(client):
    client.run("create temp table mine (); prepare mine as select 1; select pg_advisory_lock(7001)")
    client.keeps_its_server()
    client.run("declare mine cursor with hold for select 1")
    for end in ("drop table mine", "deallocate mine", "select pg_advisory_unlock(7001)"):
        client.keeps_its_server()
        client.run(end)
    client.keeps_its_server()
    client.run("close mine")
    client.shares_servers()


def test_a_pinned_client_in_transactions(client):
    client.run("create temp table mine as select 1 as id")
    client.keeps_its_server()
    client.run("begin")
    client.run("update mine set id = 2")
    client.run("rollback")
    assert client.value("select id from mine") == "1"
    client.run("begin")
    assert client.fails("select 1 / 0") == "22012"
    client.run("commit")
    client.keeps_its_server()
    client.run("drop table mine")
    client.shares_servers()


def test_settings_of_a_pinned_client_travel_once_it_is_free(client):
    client.run("create temp table mine ()")
    client.keeps_its_server()
    client.run("set work_mem = '3MB'; set app.user_id = 'still me'; set search_path = blue")
    client.run("drop table pg_temp.mine")
    client.shares_servers()
    found = client.row("select name, current_setting('work_mem'), current_setting('app.user_id') from place")
    assert found == ["blue", "3MB", "still me"]


def test_all_servers_pinned_and_one_given_back(gather):
    crowd = gather(plain=True)
    one, other, waiting = crowd.client(), crowd.client(), crowd.client()
    for client in (one, other):
        client.run("create temp table mine ()")
        client.pinned = True
    waiting.send(query("select 'got one'"))
    one.run("drop table mine")
    one.pinned = False
    assert waiting.read_until("Z").rows == [[b"got one"]]
    other.run("select * from mine; drop table mine")
    other.shares_servers()


def test_a_pinned_client_that_leaves_frees_its_server(crowd, client):
    client.run("create temp table mine (); prepare mine as select 1; select pg_advisory_lock(7002)")
    client.keeps_its_server()
    crowd.leaves(client)
    newcomer = crowd.client()
    wait_until(lambda: newcomer.value("select pg_try_advisory_xact_lock(7002)") == "t", "the lock is free")
    newcomer.shares_servers()
