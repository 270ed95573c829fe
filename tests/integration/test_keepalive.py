"""Keepalive against a database that sleeps: who keeps it awake, for how long, and at what price.

Ballast is told a shorter suspend timeout than the database has, so that a ping that a busy machine sends late is still in
time.
"""

import re
import signal
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

import processes
from neon import Neon
from poolers import Ballast

SLEEPS_AFTER_S = 3
# If it is awake for so long without having slept, it has been kept awake.
LONG_S = 2 * SLEEPS_AFTER_S
SPENT = "off until the month ends"


@pytest.fixture
def neon(neon_server):
    with Neon(neon_server, suspend_timeout_s=SLEEPS_AFTER_S) as simulated:
        yield simulated


@pytest.fixture
def serve(neon):
    """serve(keepalive="always", ...): a Ballast for it."""
    with ExitStack() as stack:

        def served(**settings) -> Ballast:
            settings = {"scale_to_zero": "on", "suspend_timeout": 1} | settings
            return stack.enter_context(Ballast(neon.server, {"app": "secret"}, settings, upstream=neon.url()))

        yield served


def client_of(ballast) -> psycopg.Connection:
    """One that has asked something, and rests."""
    client = psycopg.connect(ballast.url(), autocommit=True)
    assert client.execute("select 1").fetchone() == (1,)
    return client


def wait_until_kept_awake(neon, seconds=LONG_S):
    start = neon.state()["active_seconds"]
    state = neon.wait_for(lambda state: state["active_seconds"] >= start + seconds or state["suspends"], "kept awake")
    assert state["suspends"] == 0
    assert state["wakes"] == 1


def wait_for_log(ballast, text):
    processes.wait_until(lambda: text in ballast.log_text(), f"the log says: {text}")


def spent_ms(folder: Path) -> int:
    path = folder / "keepalive"
    found = re.search(r"^awake_ms (\d+)$", path.read_text() if path.exists() else "", re.MULTILINE)
    return int(found[1]) if found else 0


def hours(offset_h: int) -> str:
    """Two hours that begin so many from now."""
    start = datetime.now(timezone.utc) + timedelta(hours=offset_h)
    return f"{start:%H:%M}-{start + timedelta(hours=2):%H:%M} UTC"


def test_off_a_client_that_rests_keeps_nothing_awake(neon, serve):
    with client_of(serve()):
        neon.wait_for_state("IDLE")
        assert neon.state()["wakes"] == 1


def test_for_a_database_that_is_not_taken_for_one_that_sleeps_it_does_nothing_and_says_so(neon, serve):
    ballast = serve(keepalive="while_clients", scale_to_zero="off")
    wait_for_log(ballast, "does nothing: this database")
    with client_of(ballast):
        neon.wait_for_state("IDLE")


def test_while_clients_it_is_awake_as_long_as_one_is_there(neon, serve):
    ballast = serve(keepalive="while_clients")
    with client_of(ballast) as client:
        wait_until_kept_awake(neon)
        assert client.execute("select 1").fetchone() == (1,)
    neon.wait_for_state("IDLE")
    assert neon.state()["wakes"] == 1


def test_while_clients_the_last_server_may_end_between_pings(neon, serve):
    """server_lifetime closes servers that nothing but pings uses; new ones take their place in time."""
    ballast = serve(keepalive="while_clients", server_lifetime=2)
    with client_of(ballast):
        wait_until_kept_awake(neon)
    neon.wait_for_state("IDLE")


def test_always_it_is_woken_without_a_client_and_again_when_it_was_put_to_sleep(neon, serve):
    serve(keepalive="always")
    neon.wait_for_state("ACTIVE")
    wait_until_kept_awake(neon)
    neon.post("/suspend")
    neon.wait_for(lambda state: state["wakes"] == 2 and state["state"] == "ACTIVE", "woken again")


def test_with_several_workers_one_server_of_all_is_pinged(neon, serve):
    ballast = serve(keepalive="while_clients", workers=3)
    with client_of(ballast):
        wait_until_kept_awake(neon)
        assert neon.state()["connections"] == 1
    neon.wait_for_state("IDLE")


def test_the_schedule_wakes_it_where_its_hours_begin(neon, serve):
    ballast = serve(keepalive="schedule", keepalive_schedule=hours(10))
    with client_of(ballast):
        neon.wait_for_state("IDLE")
    assert neon.state()["wakes"] == 1
    ballast.settings["keepalive_schedule"] = hours(-1)
    ballast.configure()
    ballast.reload()
    neon.wait_for(lambda state: state["wakes"] == 2 and state["state"] == "ACTIVE", "the schedule wakes it")
    awake = neon.state()["active_seconds"]
    state = neon.wait_for(lambda state: state["active_seconds"] >= awake + LONG_S or state["suspends"] > 1, "awake")
    assert state["suspends"] == 1


def test_the_budget_ends_it_and_a_restart_gives_nothing_back(neon, serve, tmp_path):
    # 3.6 CU seconds, of which each second awake costs one.
    settings = {"keepalive": "always", "keepalive_budget_cu_hours": 0.001, "compute_cu": 1, "state_dir": str(tmp_path)}
    first = serve(**settings)
    wait_for_log(first, SPENT)
    neon.wait_for_state("IDLE")
    processes.stop(first.process)
    assert first.log_text().count(SPENT) == 1
    spent = spent_ms(tmp_path)
    assert 2600 < spent <= 3600
    second = serve(**settings)
    wait_for_log(second, SPENT)
    assert neon.state()["wakes"] == 1
    processes.stop(second.process)
    assert spent_ms(tmp_path) == spent


def test_a_crash_forgets_nothing_that_was_spent_before(neon, serve, tmp_path):
    settings = {"keepalive": "always", "state_dir": str(tmp_path)}
    first = serve(**settings)
    processes.wait_until(lambda: spent_ms(tmp_path) > 1000, "a wake and a ping are recorded")
    processes.stop(first.process, signal.SIGKILL)
    spent = spent_ms(tmp_path)
    second = serve(**settings)
    processes.wait_until(lambda: spent_ms(tmp_path) > spent, "it counts on from there")
    processes.stop(second.process)


def test_a_damaged_record_is_a_warning_and_nothing_spent(neon, serve, tmp_path):
    (tmp_path / "keepalive").write_text("no record\n")
    ballast = serve(keepalive="always", state_dir=str(tmp_path))
    wait_for_log(ballast, "is damaged: nothing counts as spent this month")
    neon.wait_for_state("ACTIVE")
    processes.wait_until(lambda: spent_ms(tmp_path) > 0, "a new one is written")
