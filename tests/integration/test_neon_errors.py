"""Each row of Neon's error table (tests/neon/rules/error_table.cpp) at its stage: what clients get, what Ballast does.

Rows that need no fault: 46 and 45 as sleep are in test_neon_sleep.py.
"""

import ast
import re
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from lamp import Lamp, has_answer, hang_up
from neon import ENDPOINT
from processes import wait_until
from wire import Wire, query

TABLE = Path(__file__).resolve().parents[1] / "neon" / "rules" / "error_table.cpp"
ROW = re.compile(r'ErrorRow\{\s*(\d+), in_\w+, "\w*", "\w*",((?:\s*"(?:[^"\\]|\\.)*")+)\}')
TEXTS = {int(row): "".join(ast.literal_eval(f"[{text.strip()}]")) for row, text in ROW.findall(TABLE.read_text())}
RETRY_S = 0.2
SETTINGS = {"default_pool_size": 3, "server_login_retry": RETRY_S}

# The startup packet, the user, the database: told at once, and tried again when somebody asks again.
REJECTED = {3: "28000", 4: "28000", 5: "28000", 7: "28P01", 8: "28000", 9: "28000", 10: "28000", 11: "28000"}
REJECTED |= {12: "28000", 35: "3D000", 39: "08P01", 40: "08P01", 41: "08P01"}
# Nobody is let in: told at once, and not tried again for half a minute.
REFUSED = {1: "08004", 6: "08004", 15: "08004", 16: "08004", 17: "08004", 18: "08004", 21: "08004", 22: "08004"}
REFUSED |= {23: "08004", 24: "08004", 25: "08004", 26: "53400", 27: "53400", 28: "53400", 29: "53400"}
# Waited for: what passes is tried soon, what is crowded less soon.
PASSING = [2, 13, 14, 20, 31, 34, 37, 38, 43, 44]
CROWDED = [19, 30, 32, 33, 36, 42]
STATEMENTS = {51: "57014", 52: "53100", 53: "53100", 54: "08001", 55: "25006", 56: "26000", 57: "42P01"}

EVERYTHING = set(REJECTED) | set(REFUSED) | set(PASSING) | set(CROWDED) | set(STATEMENTS) | {45, 46, 47, 48, 49, 50, 58}


@pytest.fixture
def light(neon_server):
    """light(default_pool_size=1, ...): a Neon that remembers no error, a Ballast before it."""
    with ExitStack() as stack:

        def lit(**settings) -> Lamp:
            return stack.enter_context(Lamp(neon_server, {"error_cache_s": 0}, SETTINGS | settings))

        yield lit


@pytest.fixture
def strike(light):
    """strike(row, clients): a Lamp whose server connections are gone and whose logins get this; clients that are in."""
    clients = []

    def struck(row: int, count: int = 1, **settings) -> tuple[Lamp, list[Wire]]:
        lamp = light(**settings)
        clients.extend(lamp.client() for _ in range(count))
        assert clients[0].value("select 1") == "1"
        lamp.neon.post("/inject", row=row, count=-1, after_ms=0)
        lamp.neon.post("/kill", how="eof")
        lamp.neon.wait_for(lambda state: state["sessions"] == 0, "the server connections are gone")
        return lamp, clients

    yield struck
    for client in clients:
        client.socket.close()


def shown(row: int) -> str:
    """Its text as this world's user and database make it."""
    values = {"user": "app", "database": "app", "sni": ENDPOINT, "option": "", "endpoint": ENDPOINT, "method": "", "parameter": ""}
    return TEXTS[row].format(**values)


def test_every_row_that_can_be_injected_is_in_one_of_these_tests():
    assert set(TEXTS) - {64} == EVERYTHING


# Nobody is waited for


@pytest.mark.parametrize("row", REJECTED)
def test_a_login_that_is_wrong_in_itself_is_told_and_tried_again_for_the_next(strike, row):
    lamp, (client,) = strike(row)
    before = lamp.told(row)
    assert shown(row) in client.ask(query("select 1")).error
    assert client.nothing_more()  # and it is still connected
    assert lamp.told(row) == before + 1
    lamp.neon.post("/clear")
    assert client.value("select 2") == "2"


@pytest.mark.parametrize("row", REFUSED)
def test_where_nobody_is_let_in_everybody_is_told_at_once_and_nobody_tries(strike, row):
    lamp, clients = strike(row, 3)
    for client in clients * 2:
        told = client.ask(query("select 1"))
        assert shown(row) in told.error and told.types == "EZ"
    state = lamp.neon.state()
    assert (lamp.told(row), state["sessions"]) == (1, 0)
    assert state["accepted"] == state["logins"] + 1


# What passes is waited for


def most_attempts(elapsed_s: float, first_s: float, most_s: float) -> int:
    """How many connects pauses that double, less a quarter of jitter, leave time for."""
    attempts, pause_s = 1, first_s
    while (elapsed_s := elapsed_s - 0.75 * pause_s) >= 0:
        attempts, pause_s = attempts + 1, min(2 * pause_s, most_s)
    return attempts


@pytest.mark.parametrize("row", PASSING + CROWDED)
def test_what_passes_is_waited_for_and_everybody_is_served_when_it_ends(strike, row):
    lamp, clients = strike(row, 6)
    before = lamp.neon.state()
    began = time.monotonic()
    for client in clients:
        client.send(query("select 3"))
    pauses, enough = ((0.2, 10), 2) if row in CROWDED else ((0.1, RETRY_S), 3)
    lamp.neon.wait_for(lambda state: state["accepted"] >= before["accepted"] + enough, "it is tried again")
    tried = lamp.neon.state()["accepted"] - before["accepted"]
    assert tried <= most_attempts(time.monotonic() - began, *pauses)
    assert not any(has_answer(client) for client in clients)
    lamp.neon.post("/clear")
    for client in clients:
        assert client.read_until("Z").rows == [[b"3"]]
    assert lamp.neon.state()["logins"] - before["logins"] <= SETTINGS["default_pool_size"]


@pytest.mark.parametrize("row", [2, 20, 34, 36])
def test_who_has_waited_for_query_wait_timeout_is_told_what_is_in_the_way(strike, row):
    lamp, (client,) = strike(row, query_wait_timeout=0.5)
    told = client.ask(query("select 1"))
    assert told.sqlstates == ["08001"] and "query_wait_timeout" in told.error
    detail = next(answer.fields for answer in told if answer.kind == "E").get("D", "")
    assert shown(row) in detail and detail
    lamp.neon.post("/clear")
    assert client.value("select 4") == "4"


def test_who_gives_up_leaves_the_attempt_to_the_others(strike):
    lamp, (first, second) = strike(20, 2)
    first.send(query("select 1"))
    wait_until(lambda: lamp.told(20) >= 1, "it has been tried")
    hang_up(first)
    second.send(query("select 5"))
    lamp.neon.post("/clear")
    assert second.read_until("Z").rows == [[b"5"]]


def test_a_database_that_is_down_for_server_down_timeout_is_told_at_once(strike):
    lamp, (client,) = strike(34, server_down_timeout=0.5)
    told = client.ask(query("select 1"))
    assert told.sqlstates == ["08001"] and told.error == "the database server can't be reached"
    lamp.neon.post("/clear")
    answer = wait_until(lambda: client.ask(query("select 6")).rows, "it recovers by itself")
    assert answer == [[b"6"]]


# In sessions


@pytest.mark.parametrize("row", [45, 46, 47, 48, 49, 50])
def test_the_end_of_an_idle_server_connection_is_nobodys_error(light, row):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    for turn in range(3):
        assert client.value("select 7") == "7"
        lamp.neon.post("/inject", row=row, after_ms=0)
        wait_until(lambda: lamp.told(row) == turn + 1, "it is told")
    assert client.value("select 7") == "7"
    assert lamp.neon.state()["logins"] <= 4


@pytest.mark.parametrize("row", STATEMENTS)
def test_a_statements_own_error_is_passed_on_as_it_is_and_keeps_both_connections(light, row):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    assert client.value("select 8") == "8"
    before = lamp.neon.state()["logins"]
    lamp.neon.post("/inject", row=row)
    told = client.ask(query("select 8"))
    assert (told.sqlstates, told.error) == ([STATEMENTS[row]], shown(row))
    assert client.value("select 8") == "8"
    assert lamp.neon.state()["logins"] == before


@pytest.fixture
def gate(neon_server):
    """A table `gate` that reads and writes wait at until gate.rollback()."""
    neon_server.sql("drop table if exists gate; create table gate (id int); grant all on gate to app", "app")
    with psycopg.connect(neon_server.superuser_url("app")) as connection:
        connection.execute("lock table gate")
        yield connection
        connection.rollback()


def blocked(neon_server) -> int:
    return int(neon_server.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"))


@pytest.mark.parametrize("row", [45, 46, 47, 48, 49])
def test_a_read_whose_server_ends_is_read_from_another(light, neon_server, gate, row):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    client.send(query("select count(*) from gate"))
    wait_until(lambda: blocked(neon_server) == 1, "the query waits")
    before = lamp.neon.state()["logins"]
    lamp.neon.post("/inject", row=row, after_ms=0)
    lamp.neon.wait_for(lambda state: state["logins"] > before, "another connection is made")
    gate.rollback()
    assert client.read_until("Z").rows == [[b"0"]]
    assert client.nothing_more()


@pytest.mark.parametrize("row", [46, 48, 58])
def test_a_write_whose_server_crashes_is_told_to_be_in_doubt_and_not_repeated(light, neon_server, gate, row):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    client.send(query("insert into gate values (1)"))
    wait_until(lambda: blocked(neon_server) == 1, "the write waits")
    lamp.neon.post("/inject", row=row, after_ms=0)
    told = client.closed_by_peer()
    assert told.sqlstates and told.sqlstates[0] in ("08006", "08P01", "57P02")
    gate.rollback()
    later = lamp.client()
    wait_until(lambda: blocked(neon_server) == 0, "whoever waits has gone on")
    assert int(later.value("select count(*) from gate")) <= 1


@pytest.mark.parametrize("row", [45, 49])
def test_a_write_whose_server_says_that_it_shuts_down_is_written_by_another_once(light, neon_server, gate, row):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    client.send(query("insert into gate values (1)"))
    wait_until(lambda: blocked(neon_server) == 1, "the write waits")
    if row == 45:  # in earnest: what the simulator says in PostgreSQL's place ends no statement
        neon_server.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'")
    else:
        lamp.neon.post("/inject", row=row, after_ms=0)
    told = client.closed_by_peer() if row == 49 else []
    gate.rollback()
    if row == 45:
        assert client.read_until("Z").tags == ["INSERT 0 1"]
    else:  # PgBouncer's word says nothing of what PostgreSQL has done
        assert told.sqlstates and told.sqlstates[0] in ("08006", "08P01")
    wait_until(lambda: blocked(neon_server) == 0, "whoever waits has gone on")
    assert int(lamp.client().value("select count(*) from gate")) <= 1


def test_a_transaction_that_idles_too_long_is_told_so(light):
    lamp = light(default_pool_size=1)
    client = lamp.client()
    client.ask(query("begin"), query("select 1"), ready=2)
    lamp.neon.post("/inject", row=50, after_ms=0)
    told = client.closed_by_peer()
    assert told.sqlstates[0] == "25P03" and told.error == shown(50)
    assert lamp.client().value("select 9") == "9"


def test_a_pooled_host_that_rejects_a_parameter_is_told_with_the_parameters_name(neon_server):
    """Row 40, made by the simulator itself."""
    with Lamp(neon_server, pooled=True, options="-c search_path=a") as lamp:
        with pytest.raises(psycopg.OperationalError, match=r"in options: search_path"):
            psycopg.connect(lamp.pooler.url())


@pytest.mark.parametrize("row, sqlstate", (REJECTED | REFUSED).items())
def test_an_error_of_the_login_has_a_sqlstate_that_says_what_it_is(strike, row, sqlstate):
    _, (client,) = strike(row)
    assert client.ask(query("select 1")).sqlstates == [sqlstate]
