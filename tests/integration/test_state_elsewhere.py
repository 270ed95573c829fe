"""What belongs to a server or the database: sequences' last values, random seeds, plans before a DDL, reports."""

import pytest

from wire import SYNC, bind, describe, execute, parse, query


# Sequences ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sequences(server, state_world):
    server.sql(
        "create sequence public.one; create sequence public.other;"
        "grant all on all sequences in schema public to member;"
        "create table public.numbered (id serial, name text); grant all on public.numbered to member;"
        "grant all on public.numbered_id_seq to member",
        "app",
    )


def own_or_error(client, sql: str, own: str | None):
    """The client's own value, or 55000: "is not yet defined in this session"."""
    answers = client.ask(query(sql))
    if own is None or answers.sqlstates:
        assert answers.sqlstates == ["55000"]
    else:
        assert answers.rows == [[own.encode()]]


def test_currval_is_never_anothers(crowd, sequences):
    clients = [crowd.client() for _ in range(3)]
    for client in clients[:2]:
        own_or_error(client, "select currval('one')", None)
        own_or_error(client, "select lastval()", None)
    for _ in range(4):
        for client in clients[:2]:
            own = client.value("select nextval('one')")
            own_or_error(client, "select currval('one')", own)
            own_or_error(client, "select lastval()", own)
        own_or_error(clients[2], "select currval('one')", None)
        own_or_error(clients[2], "select lastval()", None)


def test_currval_in_between(crowd, sequences):
    """Another client draws between a client's nextval and its currval."""
    one, other = crowd.client(), crowd.client()
    for _ in range(3):
        drawn = {client: client.value("select nextval('one')") for client in (one, other)}
        for client, own in drawn.items():
            own_or_error(client, "select currval('one')", own)
            own_or_error(client, "select lastval()", own)


def test_currval_in_a_transaction_and_in_one_query(crowd, sequences):
    client = crowd.client()
    client.run("begin")
    own = client.value("select nextval('one')")
    assert client.row("select currval('one'), lastval()") == [own, own]
    client.run("commit")
    answers = client.run("insert into numbered (name) values ('x'); select currval('numbered_id_seq') = lastval()")
    assert answers.rows == [[b"t"]]


def test_lastval_is_of_the_sequence_used_last(crowd, sequences):
    client, other = crowd.client(), crowd.client()
    first = client.value("select nextval('one')")
    other.run("select nextval('other'), nextval('other')")
    second = client.value("select nextval('other')")
    own_or_error(client, "select lastval()", second)
    own_or_error(client, "select currval('one')", first)
    client.run("select setval('one', 1000)")
    own_or_error(client, "select currval('one')", "1000")


def test_discard_sequences_forgets(crowd, sequences):
    for sql in ("discard sequences", "discard all"):
        client = crowd.client()
        client.run("select nextval('one')")
        client.run(sql)
        own_or_error(client, "select currval('one')", None)
        own_or_error(client, "select lastval()", None)


# Random numbers -------------------------------------------------------------------------------------------------------


# DDL ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def changing(server):
    """changing(sql): the chief's DDL on table `shape`, which starts with one row of one column."""
    server.sql("drop table if exists public.shape; create table public.shape as select 1 as a", "app")
    server.sql("grant all on public.shape to public", "app")
    return lambda sql: server.sql(sql, "app")


STATEMENT = "select * from shape"


def on_every_server(crowd, client):
    """The client's statement is prepared and has been executed on all servers."""
    for _ in range(2 * crowd.servers):
        assert client.ask(bind("", "statement"), execute(), SYNC).rows == [[b"1"]]


def test_a_statement_prepared_after_a_ddl_knows_nothing_of_the_time_before(plain_crowd, changing):
    early, late = plain_crowd.client(), plain_crowd.client()
    early.ask(parse("statement", STATEMENT), SYNC)
    on_every_server(plain_crowd, early)
    changing("alter table public.shape add b int default 2")
    for _ in range(3):
        late.ask(parse("statement", STATEMENT), SYNC)
        for _ in range(2):
            assert late.ask(bind("", "statement"), describe("P", ""), execute(), SYNC).rows == [[b"1", b"2"]]
        late.run("deallocate statement")


@pytest.mark.parametrize("name", ["", "statement"])
def test_a_statement_prepared_after_a_ddl_in_a_transaction(plain_crowd, changing, name):
    early, late = plain_crowd.client(), plain_crowd.client()
    early.ask(parse("statement", STATEMENT), SYNC)
    on_every_server(plain_crowd, early)
    changing("alter table public.shape add b int default 2")
    for _ in range(3):
        late.run("begin")
        assert late.ask(parse(name, STATEMENT), bind("", name), execute(), SYNC).rows == [[b"1", b"2"]]
        late.run("commit")
        late.run("deallocate all")


def test_a_statement_prepared_before_a_ddl_fails_in_a_transaction(plain_crowd, changing):
    client = plain_crowd.client()
    client.ask(parse("statement", STATEMENT), SYNC)
    on_every_server(plain_crowd, client)
    changing("alter table public.shape add b int default 2")
    client.run("begin")
    client.run("select 1")
    answers = client.ask(bind("", "statement"), execute(), SYNC)
    assert (answers.sqlstates, answers.statuses) == (["0A000"], "E")
    assert "cached plan" in answers.error
    assert client.run("commit").tags == ["ROLLBACK"]


def test_after_a_cached_plan_error_a_new_parse_helps(plain_crowd, changing):
    """What drivers do: they prepare again. Outside a transaction the first answer may have had it already."""
    client = plain_crowd.client()
    client.ask(parse("statement", STATEMENT), SYNC)
    on_every_server(plain_crowd, client)
    changing("alter table public.shape alter a type text using 'changed'")
    answers = client.ask(bind("", "statement"), execute(), SYNC)
    assert answers.sqlstates == ["0A000"] or answers.rows == [[b"changed"]]
    assert client.status == "I"
    client.run("deallocate statement")
    client.ask(parse("statement", STATEMENT), SYNC)
    for _ in range(4):
        assert client.ask(bind("", "statement"), execute(), SYNC).rows == [[b"changed"]]


def test_a_table_that_is_dropped_and_made_again(plain_crowd, changing):
    client = plain_crowd.client()
    client.ask(parse("statement", STATEMENT), SYNC)
    on_every_server(plain_crowd, client)
    changing("drop table public.shape")
    assert client.ask(bind("", "statement"), execute(), SYNC).sqlstates == ["42P01"]
    changing("create table public.shape as select 1 as a; grant all on public.shape to public")
    for _ in range(4):
        assert client.ask(bind("", "statement"), execute(), SYNC).rows == [[b"1"]]


def test_a_ddl_of_the_clients_own(plain_crowd):
    client = plain_crowd.client()
    client.run("drop table if exists own_shape; create table own_shape as select 1 as a")
    for columns in (1, 2, 3):
        client.ask(parse("statement", "select * from own_shape"), SYNC)
        for _ in range(2):
            (row,) = client.ask(bind("", "statement"), execute(), SYNC).rows
            assert len(row) == columns
        client.run("deallocate statement")
        client.run(f"alter table own_shape add b{columns} int")


# Messages at any time -------------------------------------------------------------------------------------------------


def test_reports_while_idle_are_of_the_client_or_nobody(crowd, server):
    """A reload changes what servers report; nobody loses step, and those who have a value of their own keep it."""
    own, plain = crowd.client(TimeZone="Asia/Tokyo"), crowd.client()
    before = plain.setting("timezone")
    assert own.setting("timezone") == "Asia/Tokyo"
    server.sql("alter system set timezone = 'America/Lima'")
    server.sql("select pg_reload_conf()")
    try:
        for _ in range(4):
            assert own.setting("timezone") == "Asia/Tokyo"
            assert plain.setting("timezone") in (before, "America/Lima")
    finally:
        server.sql("alter system reset timezone")
        server.sql("select pg_reload_conf()")


def test_notices_go_to_their_own_client(crowd):
    """Also those that bringing settings along could cause."""
    noisy, silent = crowd.client(), crowd.client()
    noisy.run("set client_min_messages = 'debug1'; set app.user_id = 'noisy'; set role clerk")
    for number in range(4):
        answers = noisy.run(f"do $$ begin raise notice 'number {number}'; end $$")
        assert f"number {number}" in [answer.fields["M"] for answer in answers if answer.kind == "N"]
        assert [answer for answer in silent.run("select 1") if answer.kind == "N"] == []
