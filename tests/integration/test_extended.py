"""The extended protocol, message by message: through the pooler every script is answered as PostgreSQL answers it."""

import struct

import pytest

from transcripts import Step, play, steps
from wire import FLUSH, SYNC, Closed, Wire, bind, close, describe, execute, function_call, message, parse, query, text

INT4PL, INT4DIV, BYTEACAT = 177, 154, 2011  # pg_proc's oids
INT4, TEXT = 23, 25


def ran(statement: str, *values) -> bytes:
    return bind("", statement, values) + execute()


def binary_formats(*formats: int) -> bytes:
    return message("B", text("") + text("") + struct.pack(f"!hhh{len(formats)}h", 0, 0, len(formats), *formats))


def int4(number: int) -> bytes:
    return struct.pack("!i", number)


def many_parameters(count: int) -> bytes:
    sql = "select " + "+".join(f"${number}::int" for number in range(1, count + 1))
    return parse("", sql) + bind("", "", tuple(range(count))) + execute() + SYNC


SCRIPTS = {
    "a statement, once": steps(parse("", "select $1::int + 1") + ran("", 41) + SYNC),
    "a named statement, again and again": steps(
        parse("a", "select $1::int + 1") + SYNC, *[ran("a", n) + SYNC for n in range(5)]
    ),
    "a name that is in use": steps(
        parse("a", "select 1") + SYNC, parse("a", "select 2") + ran("a") + SYNC, ran("a") + SYNC
    ),
    "a name that is in use, in one batch": steps(
        parse("a", "select 1") + parse("a", "select 2") + SYNC, ran("a") + SYNC
    ),
    "bind of an unknown name": steps(ran("nobody") + SYNC, query("select 1")),
    "describe of an unknown name": steps(describe("S", "nobody") + SYNC, query("select 1")),
    "close of an unknown name": steps(close("S", "nobody") + SYNC),
    "execute of an unknown portal": steps(execute("nobody") + SYNC, query("select 1")),
    "a name used again after its close": steps(
        parse("a", "select 1") + SYNC, close("S", "a") + SYNC, ran("a") + SYNC, parse("a", "select 2") + ran("a") + SYNC
    ),
    "closed and parsed in one batch": steps(
        parse("a", "select 1") + SYNC, close("S", "a") + parse("a", "select 2") + ran("a") + SYNC
    ),
    "a parse that fails takes its binds along": steps(
        parse("a", "select from from") + ran("a") + SYNC, ran("a") + SYNC, parse("a", "select 1") + ran("a") + SYNC
    ),
    "a close after the parse that failed": steps(
        parse("a", "select from from") + SYNC, close("S", "a") + SYNC, query("select 1")
    ),
    "a parse that fails behind one that does not": steps(
        parse("a", "select 1") + parse("b", "select from") + parse("c", "select 3") + SYNC,
        ran("a") + SYNC, ran("b") + SYNC, ran("c") + SYNC,
    ),
    "an execute that fails leaves the statement": steps(
        parse("a", "select 1 / $1::int") + ran("a", 0) + SYNC, ran("a", 1) + SYNC
    ),
    "describe of a statement": steps(parse("a", "select $1::int, $2::text as word") + describe("S", "a") + SYNC),
    "describe of a statement without result": steps(
        parse("a", "set local work_mem = '4MB'") + describe("S", "a") + SYNC
    ),
    "describe of a portal": steps(parse("", "select 1 as one") + bind("", "") + describe("P", "") + execute() + SYNC),
    "parameter types given": steps(parse("a", "select $1", (TEXT,)) + describe("S", "a") + ran("a", "x") + SYNC),
    "the same text with different types": steps(
        parse("a", "select $1", (TEXT,)) + parse("b", "select $1", (INT4,)) + SYNC,
        ran("a", "x") + SYNC, ran("b", "x") + SYNC, ran("b", 7) + SYNC,
    ),
    "parse and describe with flush, then bind": steps(
        Step(parse("a", "select $1::int") + describe("S", "a") + FLUSH, ends="T"), ran("a", 3) + SYNC
    ),
    "flush after every message": steps(
        Step(parse("a", "select 1") + FLUSH, ends="1"), Step(bind("", "a") + FLUSH, ends="2"),
        Step(execute() + FLUSH, ends="C"), SYNC,
    ),
    "flush and an error, then sync": steps(Step(parse("a", "select from") + FLUSH, ends="E"), ran("a") + SYNC),
    "flush with nothing asked": steps(FLUSH + FLUSH + SYNC),
    "sync alone": steps(SYNC),
    "several syncs in one packet": steps(Step(SYNC * 5, times=5)),
    "batches in one packet": steps(Step((parse("", "select 1") + ran("") + SYNC) * 10, times=10)),
    "an error in the second of three batches": steps(
        Step(b"".join(parse("", f"select 1 / {n}") + ran("") + SYNC for n in (1, 0, 1)), times=3)
    ),
    "the unnamed statement over batches": steps(parse("", "select 1") + SYNC, ran("") + SYNC, ran("") + SYNC),
    "a simple query destroys the unnamed statement": steps(
        parse("", "select 1") + SYNC, query("select 2"), ran("") + SYNC
    ),
    "the unnamed statement is replaced": steps(
        parse("", "select 1") + SYNC, parse("", "select 2") + SYNC, ran("") + SYNC
    ),
    "the unnamed statement is closed": steps(parse("", "select 1") + SYNC, close("S", "") + SYNC, ran("") + SYNC),
    "the unnamed parse that fails": steps(
        parse("", "select 1") + SYNC, parse("", "select from") + SYNC, ran("") + SYNC
    ),
    "a portal over batches in a transaction": steps(
        query("begin"),
        parse("", "select generate_series(1, 5)") + bind("p", "") + execute("p", 2) + SYNC,
        execute("p", 2) + SYNC,
        query("commit"),
        execute("p", 2) + SYNC,
    ),
    "a portal does not survive its sync": steps(parse("", "select 1") + bind("p", "") + SYNC, execute("p") + SYNC),
    "a portal read in parts": steps(
        Step(parse("", "select generate_series(1, 5)") + bind("p", "") + execute("p", 2) + FLUSH, ends="s"),
        Step(execute("p", 2) + FLUSH, ends="s"), close("P", "p") + SYNC,
    ),
    "a portal executed after its end": steps(
        parse("", "select 1") + bind("p", "") + execute("p") + execute("p") + SYNC
    ),
    "two portals at once": steps(
        parse("a", "select generate_series(1, 4)") + bind("p", "a") + bind("q", "a")
        + execute("p", 2) + execute("q", 1) + execute("p", 1) + execute("q", 0) + SYNC
    ),
    "a simple query behind an execute without sync": steps(parse("", "select 1") + ran("") + query("select 2"), SYNC),
    "a simple query behind an error is skipped": steps(
        parse("", "select from") + query("select 2") + SYNC, query("select 3")
    ),
    "results in binary": steps(
        parse("", "select 1, 'x'::text, 2.5::float8") + bind("", "", result_format=1) + describe("P", "") + execute() + SYNC
    ),
    "results in mixed formats": steps(
        parse("", "select 1, 2") + binary_formats(1, 0) + describe("P", "") + execute() + SYNC
    ),
    "the wrong number of result formats": steps(parse("", "select 1, 2, 3") + binary_formats(1, 0) + execute() + SYNC),
    "the wrong number of values": steps(parse("", "select $1::int, $2::int") + ran("", 1) + SYNC),
    "null and empty values": steps(parse("", "select $1::text, $2::text") + ran("", None, "") + SYNC),
    "very many parameters": steps(many_parameters(1600)),
    "a long name": steps(parse("n" * 1000, "select 1") + ran("n" * 1000) + SYNC),
    "a long statement": steps(parse("a", f"select '{'x' * 100_000}'") + ran("a") + SYNC, ran("a") + SYNC),
    "a long value": steps(parse("a", "select length($1::text), $1") + ran("a", "x" * 1_000_000) + SYNC),
    "an empty statement": steps(parse("", "") + ran("") + SYNC),
    "a comment alone": steps(parse("", "-- nothing") + describe("S", "") + ran("") + SYNC),
    "several statements in one parse": steps(parse("", "select 1; select 2") + SYNC),
    "an error inside a transaction": steps(
        query("begin"),
        parse("", "select 1 / 0") + ran("") + SYNC, parse("", "select 1") + ran("") + SYNC,
        query("rollback"),
    ),
    "commit of a failed transaction": steps(query("begin"), query("select 1 / 0"), query("commit")),
    "begin and commit as extended queries": steps(
        *[parse("", sql) + ran("") + SYNC for sql in ("begin", "select 1", "commit")]
    ),
    "a whole transaction in one batch": steps(
        parse("", "begin") + ran("") + parse("", "select 1") + ran("") + parse("", "commit") + ran("") + SYNC
    ),
    "savepoints": steps(
        query("begin"), query("savepoint s"), query("select 1 / 0"), query("rollback to s"), query("commit")
    ),
    "a function call": steps(function_call(INT4PL, int4(40), int4(2))),
    "a function call that fails": steps(
        function_call(INT4DIV, int4(1), int4(0)), function_call(INT4DIV, int4(6), int4(2))
    ),
    "a function call with large values": steps(function_call(BYTEACAT, b"x" * 1_000_000, b"y" * 1_000_000)),
    "a function call behind a parse": steps(
        parse("a", "select 1") + function_call(INT4PL, int4(1), int4(2)), ran("a") + SYNC
    ),
    "several simple statements": steps(query("select 1; select 2; select 3")),
    "an error in the second of several": steps(query("select 1; select 1 / 0; select 3"), query("select 4")),
    "a transaction inside several": steps(query("begin; select 1; commit; select 2")),
    "several that leave a transaction open": steps(query("select 1; begin; select 2"), query("commit")),
    "no statement": steps(query("")),
    "only semicolons": steps(query(";;")),
    "only a comment": steps(query("/* nothing */ -- at all")),
    "simple queries in one packet": steps(Step(query("select 1") + query("select 1 / 0") + query("select 3"), times=3)),
    "an error with its position": steps(query("select 1 from nowhere"), parse("", "select 1 from nowhere") + SYNC),
    "a result of exactly one buffer and about": steps(
        *[query(f"select repeat('x', {size})") for size in range(16320, 16420, 7)]
    ),
    "sql-level prepare in one transaction": steps(
        query("begin"), query("prepare s as select 1"), query("execute s"), query("deallocate s"), query("commit")
    ),
}


@pytest.fixture
def direct(server, tls_context):
    with Wire.login(server.port, "app", "secret", "app", tls=tls_context) as client:
        yield client


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_postgresql_answers(name, pooler, client, direct, connect):
    expected = play(direct, SCRIPTS[name])
    assert play(client, SCRIPTS[name]) == expected
    assert client.nothing_more()
    client.socket.close()
    assert play(connect(pooler), SCRIPTS[name]) == expected  # whatever the first one left behind


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_postgresql_answers_byte_by_byte(name, client, direct):
    """The messages arrive in the smallest pieces: one byte in each segment, for as long as that is reasonable."""
    expected = play(direct, SCRIPTS[name])
    whole = client.send

    def dribble(messages: bytes):
        for at in range(min(len(messages), 300)):
            whole(messages[at : at + 1])
        whole(messages[300:])

    client.send = dribble
    assert play(client, SCRIPTS[name]) == expected


def test_statements_follow_their_client_to_another_server(start, connect):
    pooler = start(default_pool_size=2)
    one, two = connect(pooler), connect(pooler)
    assert one.ask(parse("a", "select $1::int, pg_backend_pid()") + SYNC).types == "1Z"
    first = one.ask(ran("a", 1) + SYNC).rows[0]
    two.ask(query("begin"))
    taken = two.value("select pg_backend_pid()")
    assert taken == first[1].decode(), "the server used last is the first to be used again"
    assert one.ask(describe("S", "a") + SYNC).types == "tTZ"
    second = one.ask(ran("a", 2) + SYNC).rows[0]
    assert second[0] == b"2" and second[1] != first[1]
    one.ask(query("begin"))
    assert two.ask(query("commit")).statuses == "I"
    assert one.ask(ran("a", 3) + SYNC).rows[0][0] == b"3"


def test_the_same_name_means_what_each_client_said(start, connect):
    pooler = start(default_pool_size=1)
    clients = [connect(pooler) for _ in range(10)]
    for number, client in enumerate(clients):
        assert client.ask(parse("s", f"select {number}") + SYNC).types == "1Z"
    for _ in range(3):
        for number, client in enumerate(clients):
            assert client.ask(ran("s") + SYNC).rows == [[str(number).encode()]]


def test_more_statements_than_a_server_keeps(start, connect):
    client = connect(start(default_pool_size=1, max_prepared_statements=2))
    for number in range(6):
        assert client.ask(parse(f"s{number}", f"select {number}") + SYNC).types == "1Z"
    for _ in range(2):
        for number in range(6):
            assert client.ask(ran(f"s{number}") + SYNC).rows == [[str(number).encode()]]


def test_more_statements_in_one_batch_than_a_server_keeps(start, connect):
    client = connect(start(default_pool_size=1, max_prepared_statements=2))
    batch = b"".join(parse(f"s{number}", f"select {number}") for number in range(6))
    batch += b"".join(ran(f"s{number}") for number in range(6))
    answers = client.ask(batch + SYNC)
    assert answers.types == "1" * 6 + "2DC" * 6 + "Z"
    assert [row[0] for row in answers.rows] == [str(number).encode() for number in range(6)]


def test_servers_keep_no_more_statements_than_allowed(start, connect):
    client = connect(start(default_pool_size=1, max_prepared_statements=5))
    for number in range(50):
        client.ask(parse(f"s{number}", f"select {number}") + ran(f"s{number}") + SYNC)
    assert int(client.value("select count(*) from pg_prepared_statements")) <= 6  # one may be on its way out


def test_a_client_that_leaves_between_parse_and_sync(start, connect):
    pooler = start(default_pool_size=1)
    for _ in range(5):
        leaving = connect(pooler)
        leaving.send(parse("a", "select 1") + FLUSH)
        leaving.read_until("1")
        leaving.socket.close()
        staying = connect(pooler)
        assert staying.ask(parse("a", "select 1") + ran("a") + SYNC).rows == [[b"1"]]


def test_ddl_of_another_client_is_noticed_as_postgresql_does(start, connect, table):
    pooler = start(default_pool_size=1)
    one, two = connect(pooler), connect(pooler)
    one.ask(parse("a", f"select * from {table}") + ran("a") + SYNC)
    two.ask(query(f"alter table {table} add column more int"))
    answers = one.ask(ran("a") + SYNC)
    assert answers.sqlstates in ([], ["0A000"])  # "cached plan must not change result type", or planned anew
    assert one.ask(parse("", "select 1") + ran("") + SYNC).rows == [[b"1"]]


GARBAGE = {
    "unknown type": message("?", b"what"),
    "length 3": b"Q" + struct.pack("!i", 3),
    "length -1": b"Q" + struct.pack("!i", -1),
    "length 2^31-1": b"Q" + struct.pack("!i", 2**31 - 1),
    "a backend's message": message("R"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_that_connection_alone(garbage, pooler, client, connect):
    client.send(garbage)
    said = client.closed_by_peer().sqlstates
    assert said in ([], ["08P01"], ["54000"])  # PostgreSQL says nothing where it can't trust the length
    assert connect(pooler).value("select 1") == "1"


def test_garbage_in_a_transaction_rolls_back(pooler, client, connect, table):
    client.ask(query(f"begin; insert into {table} values (1)"))
    client.send(message("?", b"what"))
    client.closed_by_peer()
    assert connect(pooler).value(f"select count(*) from {table}") == "0"


def test_the_peer_closing_is_not_an_answer(client):
    client.send(message("X"))
    with pytest.raises(Closed):
        client.read()
