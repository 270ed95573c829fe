"""COPY, message by message: good ends, bad ends, and what comes too late."""

import pytest

from transcripts import Step, play, steps
from wire import COPY_DONE, FLUSH, SYNC, Wire, bind, copy_data, copy_fail, execute, parse, query

COPY_IN, COPY_OUT = "copy t from stdin", "copy (select i from generate_series(1, 1000) i) to stdout"
FAILING_OUT = "copy (select 1 / (i - 500) from generate_series(1, 1000) i) to stdout"
DATA, BAD = copy_data(b"1\tone\n2\ttwo\n"), copy_data(b"not a number\tx\n")
COUNT = query("select count(*) from t")


def extended(sql: str) -> bytes:
    return parse("", sql) + bind("", "") + execute()


SCRIPTS = {
    "in, simple": steps(Step(query(COPY_IN), ends="G"), DATA + COPY_DONE, COUNT),
    "in, all in one packet": steps(query(COPY_IN) + DATA + COPY_DONE, COUNT),
    "in, without rows": steps(query(COPY_IN) + COPY_DONE),
    "in, given up": steps(query(COPY_IN) + DATA + copy_fail("changed my mind"), COUNT),
    "in, bad data": steps(query(COPY_IN) + DATA + BAD + COPY_DONE, COUNT),
    "in, bad data, and more comes late": steps(query(COPY_IN) + BAD, DATA * 100 + COPY_DONE + COUNT),
    "in, fails at its end": steps(
        query("copy t (id) from stdin") + copy_data(b"1\n2") + copy_data(b"x") + COPY_DONE, COUNT
    ),
    "in, unknown table": steps(query("copy nowhere from stdin") + DATA + COPY_DONE, COUNT),
    "in, rows cut in the middle": steps(
        query(COPY_IN) + copy_data(b"1\to") + copy_data(b"ne\n2") + copy_data(b"\ttwo\n") + COPY_DONE, COUNT
    ),
    "in, sync and flush mean nothing": steps(query(COPY_IN) + SYNC + FLUSH + DATA + SYNC + COPY_DONE, COUNT),
    "in, twice in one query": steps(
        Step(query(f"{COPY_IN}; {COPY_IN}"), ends="G"), Step(DATA + COPY_DONE, ends="G"), DATA + COPY_DONE, COUNT
    ),
    "in, between other statements": steps(query(f"select 1; {COPY_IN}; select 2") + DATA + COPY_DONE),
    "in, the first of two fails": steps(query(f"{COPY_IN}; {COPY_IN}") + BAD + COPY_DONE, COUNT),
    "in, in a transaction": steps(query("begin"), query(COPY_IN) + DATA + COPY_DONE, query("rollback"), COUNT),
    "in, fails in a transaction": steps(
        query("begin"), query(COPY_IN) + BAD + COPY_DONE, query("select 1"), query("commit"), COUNT
    ),
    "in, extended": steps(extended(COPY_IN) + DATA + COPY_DONE + SYNC, COUNT),
    "in, extended, answered step by step": steps(
        Step(extended(COPY_IN) + FLUSH, ends="G"), Step(DATA + COPY_DONE + FLUSH, ends="C"), SYNC, COUNT
    ),
    "in, extended, given up": steps(extended(COPY_IN) + DATA + copy_fail("no") + SYNC, COUNT),
    "in, extended, bad data": steps(Step(extended(COPY_IN) + BAD, ends="E"), DATA + COPY_DONE + SYNC, COUNT),
    "in, extended, its sync swallowed": steps(extended(COPY_IN) + SYNC + DATA + COPY_DONE + SYNC, COUNT),
    "in, extended, with a statement behind": steps(
        extended(COPY_IN) + DATA + COPY_DONE + extended("select 7") + SYNC, COUNT
    ),
    "in, by a named statement": steps(
        parse("c", COPY_IN) + SYNC, *[bind("", "c") + execute() + DATA + COPY_DONE + SYNC for _ in range(2)], COUNT
    ),
    "out, simple": steps(query(COPY_OUT)),
    "out, extended": steps(extended(COPY_OUT) + SYNC),
    "out, fails on the way": steps(query(FAILING_OUT), query("select 1")),
    "out, extended, fails on the way": steps(extended(FAILING_OUT) + SYNC, query("select 1")),
    "out, in binary": steps(query(COPY_OUT + " (format binary)")),
    "out, between other statements": steps(query(f"select 1; {COPY_OUT}; select 2")),
    "out, in a transaction": steps(query("begin"), query(COPY_OUT), query("commit")),
    "data without a copy": steps(DATA + COPY_DONE + copy_fail("none") + query("select 1")),
    "data without a copy, extended": steps(DATA + COPY_DONE + SYNC, extended("select 1") + SYNC),
}


@pytest.fixture
def direct(server, tls_context):
    with Wire.login(server.port, "app", "secret", "app", tls=tls_context) as client:
        yield client


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_postgresql_answers(name, pooler, client, direct, connect, table):
    expected = play(direct, SCRIPTS[name])
    client.ask(query(f"truncate {table}"))
    assert play(client, SCRIPTS[name]) == expected
    assert client.nothing_more()
    client.ask(query(f"truncate {table}"))
    client.socket.close()
    assert play(connect(pooler), SCRIPTS[name]) == expected


@pytest.mark.parametrize("intruder", [query("select 1"), parse("", "select 1")], ids=["query", "parse"])
def test_another_request_in_the_middle_of_a_copy_ends_the_connection(intruder, pooler, client, direct, connect, table):
    """PostgreSQL 15 gives up: "protocol synchronization was lost"."""
    for asked in (direct, client):
        asked.send(query(COPY_IN) + DATA + intruder)
        assert asked.closed_by_peer().sqlstates[0] == "08P01"
    assert connect(pooler).value(f"select count(*) from {table}") == "0"


def test_late_data_reaches_nobody_else(start, connect, table):
    pooler = start(default_pool_size=1)
    failing, next_owner = connect(pooler), connect(pooler)
    for _ in range(10):
        assert failing.ask(query(COPY_IN) + BAD).types == "GEZ"
        next_owner.send(query("begin"))
        failing.send(DATA * 50 + COPY_DONE)
        assert next_owner.read_until("Z").types == "CZ"
        assert next_owner.value(f"select count(*) from {table}") == "0"
        assert next_owner.ask(query(COPY_IN) + DATA + COPY_DONE).tags == ["COPY 2"]
        next_owner.ask(query("rollback"))
        assert failing.value("select 1") == "1"


def test_the_server_is_not_lent_before_a_failed_copy_has_ended(start, connect, table):
    """In the extended protocol the server skips up to the Sync that has not been sent yet."""
    pooler = start(default_pool_size=1)
    failing, waiting = connect(pooler), connect(pooler)
    failing.send(extended(COPY_IN) + BAD)
    failing.read_until("E")
    waiting.send(query("select 'mine'"))
    assert failing.ask(DATA + COPY_DONE + SYNC).types == "Z"
    assert waiting.read_until("Z").rows == [[b"mine"]]
