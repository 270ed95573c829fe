"""What other poolers have got wrong when their server dies, sleeps or is gone: the cases that need a whole Neon.

The numbers are those of the project's list of cases; the others of 5.6 are in tests/unit/pool, tests/unit/session, and in
test_neon_errors.py (101, 108) and test_neon_sleep.py (106).
"""

from contextlib import ExitStack

import psycopg
import pytest

from lamp import Lamp
from processes import wait_until
from wire import Wire, query

TABLE = "drop table if exists cases; create table cases (id int); grant all on cases to app"
SLOW_COMMIT = """
create or replace function wait_at_commit() returns trigger language plpgsql as
  $$ begin perform pg_advisory_xact_lock(99); return null; end $$;
create constraint trigger wait_at_commit after insert on cases deferrable initially deferred
  for each row execute function wait_at_commit();
"""
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


@pytest.fixture
def light(neon_server):
    """light(knobs, default_pool_size=1, ...): a Neon and a Ballast, and an empty table `cases`."""
    neon_server.sql(TABLE, "app")
    with ExitStack() as stack:

        def lit(knobs: dict = {}, **settings) -> Lamp:
            return stack.enter_context(Lamp(neon_server, knobs, {"default_pool_size": 1} | settings))

        yield lit


def rows(neon_server) -> list[str]:
    return neon_server.sql("select id from cases order by id", "app").split()


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_5_6_98_a_server_that_is_closed_just_before_it_is_used_costs_no_write(light, neon_server, how):
    lamp = light()
    client = lamp.client()
    for turn in range(20):
        lamp.neon.post("/kill", how=how)  # the news and the statement come at about the same time
        lamp.neon.wait_for(lambda state: state["sessions"] == 0, "it is closed")
        assert client.ask(query(f"insert into cases values ({turn})")).tags == ["INSERT 0 1"]
    assert rows(neon_server) == sorted((str(turn) for turn in range(20)), key=int)


def test_5_6_99_a_server_that_ends_in_an_idle_transaction_is_told_and_nothing_is_done(light, neon_server):
    lamp = light()
    client = lamp.client()
    client.ask(query("begin"), query("insert into cases values (1)"), ready=2)
    lamp.neon.post("/inject", row=45, after_ms=0)
    assert client.closed_by_peer().sqlstates == ["57P01"]
    assert lamp.client().value("select count(*) from cases") == "0"


@pytest.mark.parametrize("row", [46, 48])
def test_5_6_99_a_commit_without_an_answer_is_told_to_be_in_doubt_and_not_sent_again(light, neon_server, row):
    neon_server.sql(SLOW_COMMIT, "app")
    lamp = light()
    client = lamp.client()
    with psycopg.connect(neon_server.superuser_url("app"), autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(99)")
        client.ask(query("begin"), query("insert into cases values (1)"), ready=2)
        client.send(query("commit"))
        wait_until(lambda: neon_server.sql(WAITING).strip() == "1", "the commit waits")
        before = lamp.neon.state()["logins"]
        lamp.neon.post("/inject", row=row, after_ms=0)
        told = client.closed_by_peer()
        assert len(told.sqlstates) == 1 and told.sqlstates[0] in ("08006", "08P01")
        assert lamp.neon.state()["logins"] == before
    wait_until(lambda: neon_server.sql(WAITING).strip() == "0", "the commit has gone on")
    assert rows(neon_server) in (["1"], [])


def test_5_6_100_what_a_server_says_at_its_end_is_told_once(light, neon_server):
    lamp = light()
    client = lamp.client()
    client.ask(query("begin"), query("select 1"), ready=2)
    lamp.neon.post("/suspend")  # 57P01, and then the end of the connection
    assert client.closed_by_peer().sqlstates == ["57P01"]


def test_5_6_104_a_connection_that_is_forgotten_on_the_way_costs_no_write(light, neon_server):
    lamp = light({"nlb_idle_s": 350}, server_check_delay=0.05, server_check_timeout=0.5)
    client = lamp.client()
    for turn in range(3):
        assert client.ask(query(f"insert into cases values ({turn})")).tags == ["INSERT 0 1"]
        rested_from = lamp.neon.post("/clock", advance_s=351)["now"]
        lamp.neon.wait_for(lambda state: state["now"] > rested_from + 0.1, "it has rested")
    assert rows(neon_server) == ["0", "1", "2"]
    assert lamp.neon.state()["logins"] == 3


def test_5_6_106_one_connect_wakes_the_database_for_fifty_clients_and_each_is_served_once(light, neon_server):
    lamp = light({"wake_ms": 300}, default_pool_size=10)
    clients = [lamp.client() for _ in range(50)]
    lamp.neon.post("/suspend")
    before = lamp.neon.state()
    for number, client in enumerate(clients):
        client.send(query(f"insert into cases values ({number})"))
    held = set()

    def is_awake(state) -> bool:
        held.add(state["held_clients"] if state["state"] == "STARTING" else 0)
        return state["state"] == "ACTIVE"

    lamp.neon.wait_for(is_awake, "it wakes")
    assert held <= {0, 1}
    for client in clients:
        assert client.read_until("Z").tags == ["INSERT 0 1"]
    assert rows(neon_server) == sorted(map(str, range(50)), key=int)
    after = lamp.neon.state()
    assert after["wakes"] == before["wakes"] + 1
    assert after["logins"] - before["logins"] <= 10


def test_5_6_107_a_client_logs_in_after_a_restart_of_ballast_and_lets_the_database_sleep(light, tmp_path):
    lamp = light(state_dir=tmp_path)
    assert lamp.client().value("select 1") == "1"
    wait_until((tmp_path / "logins").exists, "what the server has told is kept")
    lamp.neon.post("/suspend")
    with lamp.another_ballast(state_dir=tmp_path, connect_ahead="off") as again:
        with Wire.login(again.port, "app", "secret", "app") as client:
            assert lamp.neon.state()["wakes"] == 1
            assert client.value("select 1") == "1"
