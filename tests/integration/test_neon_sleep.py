"""Twenty clients of three drivers, and a database that goes to sleep under them: none of them can tell."""

import asyncio

import asyncpg
import pytest

from lamp import Lamp
from sleep_cycles import ARRIVALS, KINDS, SETTINGS, Cycle, sleep_cycles
from sleepers import TABLE, Sleepers
from wire import query

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


@pytest.mark.parametrize("kind", ["direct_57P01", "eof"])
def test_a_pool_that_never_rests_hears_of_no_sleep(neon_server, kind):
    """asyncpg resets each connection that comes back to its pool by a query of its own, which the sleep hits as well."""
    with Lamp(neon_server, KNOBS | {"suspend_mode": kind}, SETTINGS) as lamp:

        async def run():
            url = lamp.pooler.url().partition("?")[0]
            async with asyncpg.create_pool(url, min_size=CLIENTS, max_size=CLIENTS, ssl=False) as pool:
                answers = Answers(pool)
                asking = [asyncio.create_task(answers.ask()) for _ in range(CLIENTS)]
                for sleeps in range(1, 9):
                    await answers.wait_for_more(10 * CLIENTS)
                    if answers.are_over:
                        break
                    await asyncio.to_thread(lamp.neon.post, "/suspend")
                    await asyncio.to_thread(lamp.neon.wait_for, lambda state: state["wakes"] > sleeps, "it wakes")
                answers.are_over = True
                await asyncio.gather(*asking)
                assert answers.errors == [], lamp.pooler.log_text()[-3000:]

        asyncio.run(run())
        assert lamp.neon.state()["suspends"] == 8


def test_a_read_that_a_silent_database_has_taken_along_is_answered(neon_server):
    """It is longer under way than what is asked again of a server that has ended, but nobody has ended this one."""
    silence_s = 4
    quickly = {"keepalives_idle": "1", "keepalives_interval": "1", "keepalives_count": str(silence_s - 1)}
    with Lamp(neon_server, KNOBS, SETTINGS, tcp_user_timeout=str(1000 * silence_s), **quickly) as lamp:
        client = lamp.client()
        flights = lamp.neon.state()["client_flights"]
        client.send(query("select count(*) from generate_series(1, 10000000)"))
        lamp.neon.wait_for(lambda state: state["client_flights"] > flights, "it has been asked")
        lamp.neon.set(suspend_mode="blackhole")
        lamp.neon.post("/suspend")
        assert client.read_until("Z").rows == [[b"10000000"]]
        assert lamp.neon.state()["wakes"] == 2


class Answers:
    """What clients ask of a pool all the time, until one is told an error."""

    def __init__(self, pool: asyncpg.Pool):
        self.pool = pool
        self.count = 0
        self.are_over = False
        self.errors: list[str] = []
        self.came = asyncio.Event()

    async def ask(self):
        while not self.are_over:
            try:
                await self.pool.fetchval("select $1::int", self.count)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as told:
                self.errors.append(f"{getattr(told, 'sqlstate', '')} {told!r}")
                self.are_over = True
            self.count += 1
            self.came.set()

    async def wait_for_more(self, more: int):
        enough = self.count + more
        while self.count < enough and not self.are_over:
            self.came.clear()
            await self.came.wait()
