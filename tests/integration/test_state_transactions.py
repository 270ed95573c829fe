"""BEGIN in all spellings, its first statement, its end: as if there were a server from the first word on."""

import pytest

from crowd import Client
from wire import COPY_DONE, FLUSH, SYNC, bind, copy_data, describe, execute, function_call, parse, query

DEFAULTS = ["read committed", "off", "off"]
SPELLINGS = {
    "begin": DEFAULTS,
    "BEGIN;": DEFAULTS,
    "  begin  ; ; ": DEFAULTS,
    "begin work": DEFAULTS,
    "begin transaction;": DEFAULTS,
    "bEgIn\ttrAnsAction\n": DEFAULTS,
    "start transaction": DEFAULTS,
    "-- why\nbegin": DEFAULTS,
    "/* why /* on earth */ */ begin -- now": DEFAULTS,
    "begin/**/work": DEFAULTS,
    "begin isolation level serializable": ["serializable", "off", "off"],
    "begin transaction isolation level repeatable read, read only": ["repeatable read", "on", "off"],
    "begin work isolation level read uncommitted read write not deferrable": ["read uncommitted", "off", "off"],
    "START TRANSACTION READ ONLY": ["read committed", "on", "off"],
    "start transaction read only deferrable": ["read committed", "on", "on"],
    "start transaction isolation level serializable, read only, not deferrable": ["serializable", "on", "off"],
    "begin read only; ": ["read committed", "on", "off"],
}
CHARACTERISTICS = (
    "select current_setting('transaction_isolation'), current_setting('transaction_read_only'), "
    "current_setting('transaction_deferrable')"
)


def tag_of(spelling: str) -> str:
    return "START TRANSACTION" if "start" in spelling.lower() else "BEGIN"


def by_query(client: Client, sql: str):
    return client.run(sql)


def by_parse(client: Client, sql: str):
    return client.call(sql)


def by_parse_with_describe(client: Client, sql: str):
    answers = client.ask(parse("", sql), describe("S", ""), bind("", ""), describe("P", ""), execute(), SYNC)
    assert answers.types == "1tn2nCZ"
    return answers


def by_a_prepared_statement(client: Client, sql: str):
    client.ask(parse("start", sql), SYNC)
    answers = client.ask(bind("", "start"), execute(), SYNC)
    assert answers.types == "2CZ"
    return answers


def by_steps_with_flush(client: Client, sql: str):
    for step, kind in [(parse("", sql), "1"), (bind("", ""), "2"), (execute(), "C")]:
        client.send(step, FLUSH)
        answers = client.read_until(kind)
    client.pinned = True  # until its Sync it may have a server
    answers += client.ask(SYNC)
    client.pinned = False
    return answers


WAYS = [by_query, by_parse, by_parse_with_describe, by_a_prepared_statement, by_steps_with_flush]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_begin_in_every_spelling(plain_crowd, way):
    client = plain_crowd.client()
    for spelling, characteristics in SPELLINGS.items():
        if way is by_query or not spelling.rstrip(" ;\n").count(";"):
            answers = way(client, spelling)
            assert (answers.tags, answers.statuses[-1]) == ([tag_of(spelling)], "T"), spelling
            assert client.row(CHARACTERISTICS) == characteristics, spelling
            answers = client.run("commit")
            assert (answers.tags, answers.statuses) == (["COMMIT"], "I")
            client.run("deallocate all")
    client.shares_servers()


def test_a_transaction_stays_on_one_server(plain_crowd):
    client = plain_crowd.client()
    for _ in range(3):
        client.run("begin")
        first = client.look()
        assert [client.look(), client.look()] == [first, first]
        client.run("commit")


# Empty ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end, tag, status",
    [
        ("commit", "COMMIT", "I"),
        ("COMMIT WORK;", "COMMIT", "I"),
        ("end", "COMMIT", "I"),
        ("end transaction", "COMMIT", "I"),
        ("rollback", "ROLLBACK", "I"),
        ("abort", "ROLLBACK", "I"),
        ("/* so */ Rollback Transaction;", "ROLLBACK", "I"),
        ("commit and no chain", "COMMIT", "I"),
        ("commit and chain", "COMMIT", "T"),
        ("rollback and chain", "ROLLBACK", "T"),
    ],
)
@pytest.mark.parametrize("way", [by_query, by_parse, by_a_prepared_statement], ids=lambda way: way.__name__)
def test_an_empty_transaction(plain_crowd, way, end, tag, status):
    client = plain_crowd.client()
    for _ in range(3):
        assert client.run("begin isolation level repeatable read").types == "CZ"
        answers = way(client, end)
        assert (answers.tags, answers.statuses[-1]) == ([tag], status)
        if status == "T":
            assert client.setting("transaction_isolation") == "repeatable read"
            client.run("rollback")
        client.run("deallocate all")
    client.shares_servers()


def test_more_open_transactions_than_servers(gather):
    """As long as nothing has been asked, a transaction needs no server."""
    crowd = gather(plain=True)
    clients = [crowd.client() for _ in range(20)]
    for client in clients:
        client.send(query("begin"))
    for client in clients:
        assert client.read_until("Z").statuses == "T"
    for client in reversed(clients):
        client.send(query("select 1"), query("commit"))
        assert client.read_until("Z").statuses == "T"
        assert client.read_until("Z").statuses == "I"


def test_a_client_that_leaves_behind_its_begin(plain_crowd):
    for begun in ("begin", "begin isolation level serializable"):
        client = plain_crowd.client()
        client.run(begun)
        plain_crowd.leaves(client)
    newcomer = plain_crowd.client()
    newcomer.shares_servers()
    assert newcomer.setting("transaction_isolation") == "read committed"


def test_an_empty_query_and_a_comment_behind_a_begin(plain_crowd):
    client = plain_crowd.client()
    client.run("begin")
    for nothing in ("", ";", "-- nothing", "/* nothing */"):
        answers = client.ask(query(nothing))
        assert (answers.types, answers.statuses) == ("IZ", "T")
    answers = client.ask(parse("", ""), bind("", ""), execute(), SYNC)
    assert (answers.types, answers.statuses) == ("12IZ", "T")
    assert client.ask(SYNC).statuses == "T"
    client.run("rollback")


# Warnings and errors --------------------------------------------------------------------------------------------------


def warnings(answers) -> list[tuple[str, str]]:
    return [(answer.fields["V"], answer.fields["C"]) for answer in answers if answer.kind == "N"]


def test_a_second_begin_is_a_warning(plain_crowd):
    client = plain_crowd.client()
    for between in ("", "select 1"):
        client.run("begin")
        client.ask(query(between))
        answers = client.run("begin")
        assert warnings(answers) == [("WARNING", "25001")]
        assert (answers.tags, answers.statuses) == (["BEGIN"], "T")
        answers = client.call("start transaction")
        assert warnings(answers) == [("WARNING", "25001")]
        client.run("commit")


def test_a_second_begin_with_another_isolation_level(plain_crowd):
    client = plain_crowd.client()
    client.run("begin")
    assert warnings(client.run("begin isolation level serializable")) == [("WARNING", "25001")]
    assert client.setting("transaction_isolation") == "serializable"
    client.run("rollback")


@pytest.mark.parametrize("end", ["commit", "rollback", "end"])
def test_an_end_without_a_begin_is_a_warning(plain_crowd, end):
    client = plain_crowd.client()
    answers = client.run(end)
    assert warnings(answers) == [("WARNING", "25P01")]
    assert answers.statuses == "I"
    client.run("begin")
    client.run(end)
    assert warnings(client.run(end)) == [("WARNING", "25P01")]


@pytest.mark.parametrize(
    "wrong, sqlstate, position",
    [
        ("begin foo", "42601", "7"),
        ("begin isolation level nonsense", "42601", "23"),
        ("begin begin", "42601", "7"),
        ("begin transaction work", "42601", "19"),
        ("start", "42601", "6"),
        ("start work", "42601", "7"),
        ("begin; selec 1", "42601", "8"),
        ("begin isolation level 'serializable'", "42601", "23"),
    ],
)
def test_a_begin_that_is_none(plain_crowd, wrong, sqlstate, position):
    client = plain_crowd.client()
    answers = client.ask(query(wrong))
    (error,) = [answer.fields for answer in answers if answer.kind == "E"]
    assert (error["C"], error["P"], answers.statuses) == (sqlstate, position, "I")
    assert client.ask(query("select 1")).statuses == "I"


def test_a_syntax_error_behind_a_begin(plain_crowd):
    client = plain_crowd.client()
    for first in (query("selec 1"), parse("", "selec 1") + bind("", "") + execute() + SYNC):
        client.run("begin")
        answers = client.ask(first)
        assert (answers.sqlstates, answers.statuses) == (["42601"], "E")
        assert client.fails("select 1") == "25P02"
        assert client.status == "E"
        answers = client.run("commit")
        assert (answers.tags, answers.statuses) == (["ROLLBACK"], "I")
    client.shares_servers()


ERRORS = [
    query("select 1 / 0"),
    query("select * from nowhere"),
    query("select 1; select 1 / 0; select 2"),
    parse("", "select $1::int / 0") + bind("", "", (1,)) + execute() + SYNC,
    parse("", "select $1::int") + bind("", "", ("no number",)) + execute() + SYNC,
    bind("", "no such statement") + execute() + SYNC,
    execute("no such portal") + SYNC,
    describe("S", "no such statement") + SYNC,
    query("release nothing"),
    query("copy nowhere from stdin"),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_an_error_as_the_first_of_a_transaction(plain_crowd, number):
    client = plain_crowd.client()
    client.run("begin")
    answers = client.ask(ERRORS[number])
    assert len(answers.sqlstates) == 1 and answers.statuses == "E"
    assert client.fails("select 1") == "25P02"
    assert client.run("commit").tags == ["ROLLBACK"]


@pytest.mark.parametrize("end", ["commit", "end", "commit and no chain"])
def test_the_commit_of_a_failed_transaction_says_rollback(plain_crowd, end):
    client = plain_crowd.client()
    for way in (by_query, by_parse, by_a_prepared_statement):
        if way is by_a_prepared_statement:
            client.ask(parse("start", end), SYNC)
        client.run("begin")
        assert client.fails("select 1 / 0") == "22012"
        if way is by_a_prepared_statement:
            answers = client.ask(bind("", "start"), execute(), SYNC)
        else:
            answers = way(client, end)
        assert (answers.tags, answers.statuses) == (["ROLLBACK"], "I")


def test_the_position_of_an_error_is_the_clients(crowd):
    """With settings to bring along and a BEGIN to catch up on."""
    client = crowd.client(options="-c work_mem=3MB")
    client.run("set app.user_id = 'me'")
    sql = "select 'ünï', * from nowhere"
    for before in ("", "begin"):
        for request in (query(sql), parse("", sql) + SYNC, parse("named", sql) + SYNC):
            client.ask(query(before))
            (error,) = [answer.fields for answer in client.ask(request) if answer.kind == "E"]
            assert (error["C"], error["P"]) == ("42P01", str(sql.index("nowhere") + 1))
            client.run("rollback")


def test_the_internal_position_and_context_of_an_error_are_the_servers(crowd):
    client = crowd.client()
    client.run("begin")
    answers = client.ask(query("do $$ begin execute 'select * from nowhere'; end $$"))
    (error,) = [answer.fields for answer in answers if answer.kind == "E"]
    assert (error["p"], error["q"]) == ("15", "select * from nowhere")
    assert "P" not in error and "PL/pgSQL" in error["W"]
    client.run("rollback")


# In one query, in one batch -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql, tags, statuses",
    [
        ("begin; select 1", ["BEGIN", "SELECT 1"], "T"),
        ("select 1; begin", ["SELECT 1", "BEGIN"], "T"),
        ("select 1; begin; select 2", ["SELECT 1", "BEGIN", "SELECT 1"], "T"),
        ("begin; select 1; commit", ["BEGIN", "SELECT 1", "COMMIT"], "I"),
        ("begin; commit", ["BEGIN", "COMMIT"], "I"),
        ("begin; commit; begin", ["BEGIN", "COMMIT", "BEGIN"], "T"),
        ("begin; rollback; select 1", ["BEGIN", "ROLLBACK", "SELECT 1"], "I"),
        ("begin isolation level serializable; show transaction_isolation", ["BEGIN", "SHOW"], "T"),
    ],
)
def test_begin_inside_a_multi_statement_query(plain_crowd, sql, tags, statuses):
    client = plain_crowd.client()
    answers = client.run(sql)
    assert (answers.tags, answers.statuses) == (tags, statuses)
    if statuses == "T":
        assert client.look() == client.look()
        client.run("commit")
    client.shares_servers()


def test_a_transaction_in_one_batch(plain_crowd):
    client = plain_crowd.client()
    batch = [part for sql in ("begin", "select 1", "commit") for part in (parse("", sql), bind("", ""), execute())]
    answers = client.ask(*batch, SYNC)
    assert (answers.types, answers.tags) == ("12C12DC12CZ", ["BEGIN", "SELECT 1", "COMMIT"])
    client.shares_servers()


def test_a_begin_and_its_first_statement_under_one_sync(plain_crowd):
    client = plain_crowd.client()
    batch = [part for sql in ("begin", "select 1 / 0") for part in (parse("", sql), bind("", ""), execute())]
    answers = client.ask(*batch, SYNC)
    assert (answers.tags, answers.sqlstates, answers.statuses) == (["BEGIN"], ["22012"], "E")
    client.run("rollback")


def test_a_pipelined_transaction(plain_crowd):
    client = plain_crowd.client()
    sent = []
    for number in range(10):
        for sql in ("begin", f"select {number}", "commit"):
            sent += [parse("", sql), bind("", ""), execute(), SYNC]
    answers = client.ask(*sent, ready=30)
    assert answers.statuses == "TTI" * 10
    assert [row[0] for row in answers.rows] == [b"%d" % number for number in range(10)]


def test_queries_sent_behind_a_begin_without_waiting(plain_crowd):
    client = plain_crowd.client()
    sent = ["begin", "select 1", "select 1 / 0", "select 2", "commit", "begin", "commit"]
    answers = client.ask(*map(query, sent), ready=len(sent))
    assert (answers.statuses, answers.sqlstates) == ("TTEEITI", ["22012", "25P02"])
    assert answers.tags == ["BEGIN", "SELECT 1", "ROLLBACK", "BEGIN", "COMMIT"]


# What comes first in a transaction ------------------------------------------------------------------------------------


def test_set_transaction_as_the_first(plain_crowd):
    client = plain_crowd.client()
    client.run("begin")
    client.run("set transaction isolation level serializable, read only")
    assert client.row(CHARACTERISTICS) == ["serializable", "on", "off"]
    client.run("rollback")
    client.run("begin; select 1")
    assert client.fails("set transaction isolation level serializable") == "25001"
    client.run("rollback")


def test_settings_that_travel_do_not_count_as_a_first_statement(crowd):
    client = crowd.client(options="-c work_mem=3MB")
    client.run("set default_transaction_isolation = 'repeatable read'; set app.user_id = 'me'")
    client.run("begin")
    assert client.setting("transaction_isolation") == "repeatable read"
    client.run("set transaction isolation level serializable")
    assert client.settings("transaction_isolation", "work_mem") == ["serializable", "3MB"]
    client.run("commit")


def test_the_clients_own_defaults_of_transactions(crowd):
    reader = crowd.client(options="-c default_transaction_read_only=on")
    writer = crowd.client()
    for _ in range(3):
        reader.run("begin")
        assert reader.fails("create table t_reader ()") == "25006"
        reader.run("rollback")
        writer.run("begin")
        writer.run("create table t_writer (); drop table t_writer")
        writer.run("commit")


def test_a_snapshot_exported_by_one_and_imported_by_another(gather):
    crowd = gather(servers=3, plain=True)
    one, other = crowd.client(), crowd.client()
    one.run("begin isolation level repeatable read")
    snapshot = one.value("select pg_export_snapshot()")
    other.run("begin isolation level repeatable read")
    other.run(f"set transaction snapshot '{snapshot}'")
    other.run("commit")
    one.run("commit")


FIRST = ["savepoint a", "lock table pg_class in access share mode", "set local work_mem = '3MB'"]


@pytest.mark.parametrize("first", FIRST)
def test_a_first_statement_that_needs_a_transaction(plain_crowd, first):
    client = plain_crowd.client()
    client.run("begin")
    answers = client.run(first)
    assert (warnings(answers), answers.statuses) == ([], "T")
    client.run("rollback")


def test_a_copy_as_the_first(plain_crowd):
    client = plain_crowd.client()
    client.run("begin")
    client.send(query("copy (select 1) to stdout"))
    assert client.read_until("Z").types == "HdcCZ"
    client.run("create temp table copied (id int) on commit drop")
    client.send(query("copy copied from stdin"))
    client.read_until("G")
    assert client.ask(copy_data(b"1\n2\n"), COPY_DONE).tags == ["COPY 2"]
    assert client.value("select sum(id) from copied") == "3"
    client.run("commit")
    client.shares_servers()


def test_a_function_call_message_as_the_first(plain_crowd):
    client = plain_crowd.client()
    backend_pid = 2026
    client.run("begin")
    answers = client.ask(function_call(backend_pid))
    assert (answers.types, answers.statuses) == ("VZ", "T")
    assert int.from_bytes(answers[0].body[4:], "big") == int(client.look())
    client.run("commit")


def test_what_may_not_run_in_a_transaction(plain_crowd):
    client = plain_crowd.client()
    for sql in ("vacuum pg_class", "create database never", "discard all"):
        client.run("begin")
        assert client.fails(sql) == "25001"
        client.run("rollback")


def test_what_may_run_outside_a_transaction_only_runs_with_settings_to_bring_along(crowd, server):
    """Whatever brings a client's settings to its server opens no transaction around its statement."""
    server.sql("create or replace procedure public.commits() language plpgsql as $$ begin commit; end $$", "app")
    client = crowd.client(options="-c work_mem=3MB")
    for way in (client.run, client.call):
        way("call commits()")
        way("vacuum pg_catalog.pg_class")


# Time -----------------------------------------------------------------------------------------------------------------


def test_now_is_one_moment_not_before_begin(plain_crowd):
    client, witness = plain_crowd.client(), plain_crowd.client()
    before = witness.value("select clock_timestamp()::text")
    client.run("begin")
    first = client.value("select now()::text")
    assert client.value(f"select '{before}'::timestamptz <= now() and now() <= clock_timestamp()") == "t"
    assert client.value("select now()::text") == first
    assert client.value("select transaction_timestamp() = now() and statement_timestamp() >= now()") == "t"
    client.run("commit")


def test_now_is_the_time_of_begin_when_begin_is_not_deferred(gather):
    crowd = gather(plain=True, defer_begin="off")
    client, witness = crowd.client(), crowd.client()
    client.run("begin")
    between = witness.value("select clock_timestamp()::text")
    assert client.value(f"select now() <= '{between}'::timestamptz") == "t"
    client.run("commit")
