"""A hundred clients that rest: the database sleeps through the hour, and has been awake no longer than without Ballast."""

import threading
from contextlib import ExitStack

import pytest

from idlers import ASLEEP_SCALE, KNOBS, SETTINGS, SUSPEND_TIMEOUT_S, ask_plainly, idle_hour, listen, prepare
from lamp import Lamp
from neon import Neon
from wire import Wire

CLIENTS = 100
HEALTH_CHECK_S = 5  # of Neon's time
DIRECT_CLIENTS = 5  # as many as Ballast may have servers
SLACK_S = 100  # of Neon's time: two thirds of a second of the machine's

CASES = {
    "plain": (ask_plainly, {}),
    "prepared statements": (prepare, {}),
    "listening": (listen, {}),
    "min_pool_size": (ask_plainly, {"min_pool_size": 2}),
}


@pytest.fixture(scope="module")
def active_seconds_without_ballast(neon_server) -> float:
    with Neon(neon_server, **KNOBS) as neon, ExitStack() as stack:
        clients = [stack.enter_context(Wire(neon.port)) for _ in range(DIRECT_CLIENTS)]
        for client in clients:
            client.start_tls(neon.context(), neon.host())
            client.startup(user="app", database="app")
            client.authenticate("secret")
        state = idle_hour(neon, clients, ask_plainly)
        assert (state["state"], state["wakes"]) == ("IDLE", 1)
        return state["active_seconds"]


@pytest.mark.parametrize("name", CASES)
def test_a_database_whose_clients_rest_sleeps_as_long_as_without_ballast(
    neon_server, active_seconds_without_ballast, name
):
    ask, settings = CASES[name]
    with Lamp(neon_server, KNOBS, SETTINGS | settings) as lamp, ExitStack() as stack:
        clients = [stack.enter_context(lamp.client()) for _ in range(CLIENTS)]
        state = idle_hour(lamp.neon, clients, ask)
        assert (state["state"], state["wakes"], state["suspends"]) == ("IDLE", 1, 1), lamp.pooler.log_text()[-2000:]
        assert SUSPEND_TIMEOUT_S <= state["active_seconds"] <= active_seconds_without_ballast + SLACK_S
        assert clients[0].value("select 1") == "1"  # and is woken by whoever asks
        assert lamp.neon.state()["wakes"] == 2


def test_health_checks_answered_by_ballast_keep_no_database_awake(neon_server, active_seconds_without_ballast):
    """pings = local, and a client that asks `select 1` at least every five seconds of Neon's."""
    is_over, answers = threading.Event(), []

    def check(client: Wire):
        while not is_over.wait(HEALTH_CHECK_S / ASLEEP_SCALE):
            answers.append(client.value("select 1"))

    def ask(client: Wire, number: int):
        assert client.value("select 2") == "2"

    with Lamp(neon_server, KNOBS, SETTINGS | {"pings": "local"}) as lamp, ExitStack() as stack:
        clients = [stack.enter_context(lamp.client()) for _ in range(CLIENTS)]
        checking = threading.Thread(target=check, args=(stack.enter_context(lamp.client()),))
        checking.start()
        try:
            state = idle_hour(lamp.neon, clients, ask)
        finally:
            is_over.set()
            checking.join()
        assert (state["state"], state["wakes"], state["suspends"]) == ("IDLE", 1, 1)
        assert SUSPEND_TIMEOUT_S <= state["active_seconds"] <= active_seconds_without_ballast + SLACK_S
        assert len(answers) > 100 and set(answers) == {"1"}


def test_an_idle_server_that_ends_is_not_replaced_before_somebody_asks(neon_server):
    """The first of several to hear that the database goes to sleep: a new one would wake it again."""
    with Lamp(neon_server, KNOBS, SETTINGS | {"min_pool_size": 2}) as lamp, lamp.client() as client:
        ask_plainly(client, 0)
        lamp.neon.wait_for(lambda state: state["sessions"] == 2, "the pool is filled")
        lamp.neon.post("/inject", row=45, after_ms=0)
        assert idle_hour(lamp.neon, [], ask_plainly)["accepted"] == 2
