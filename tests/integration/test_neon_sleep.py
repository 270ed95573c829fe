"""Twenty clients of three drivers, and a database that goes to sleep under them: none of them can tell."""

import asyncio

import pytest

from lamp import Lamp
from sleep_cycles import ARRIVALS, KINDS, SETTINGS, Cycle, sleep_cycles
from sleepers import TABLE, Sleepers

CLIENTS = 20
KNOBS = {"stop_ms": 100, "wake_ms": 150}


@pytest.fixture
def sleep(neon_server, node_modules):
    """sleep(kind, arrivals): the cycles, one for each arrival; the right rows are in the table, nobody was told an error."""

    def slept(kind: str, arrivals=ARRIVALS) -> list[Cycle]:
        neon_server.sql(TABLE, "app")

        async def run(lamp: Lamp):
            async with Sleepers(lamp.pooler, CLIENTS, node_modules) as sleepers:
                assert not any(told.error for told in await sleepers.turn())
                return await sleep_cycles(lamp, sleepers, kind, len(arrivals), arrivals), sleepers.written

        with Lamp(neon_server, KNOBS, SETTINGS, tcp_user_timeout="1000") as lamp:
            cycles, written = asyncio.run(run(lamp))
            assert [error for cycle in cycles for error in cycle.errors] == [], lamp.pooler.log_text()[-3000:]
            state = lamp.neon.state()
            assert (state["suspends"], state["wakes"]) == (len(cycles), len(cycles) + 1)
        found = neon_server.sql("select id from slept order by id", "app").split()
        assert found == [str(id) for id in sorted(written)]
        return cycles

    return slept


@pytest.mark.parametrize("kind", KINDS)
def test_clients_of_three_drivers_never_hear_that_it_sleeps(sleep, kind):
    cycles = sleep(kind)
    assert [cycle.held for cycle in cycles if cycle.is_known_to_sleep and cycle.held != 1] == []  # one connect wakes it
    assert max(cycle.connects for cycle in cycles) <= SETTINGS["default_pool_size"]
