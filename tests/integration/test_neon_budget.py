"""The places for connections that the database has: Ballast asks how many there are, and makes do with what it gets."""

import asyncio
import contextlib

import asyncpg
import psycopg
import pytest

from lamp import ACCOUNTS, Lamp
from neon import ROLES, NeonPostgres
from poolers import Ballast
from processes import wait_until

PLACES = 12  # of these PostgreSQL keeps 3 for superusers, and Ballast leaves 1 to others
ROOM = 8  # one of the others is the simulator's monitor
CLIENTS = 30
WARNING = "the pools may grow to 50 server connections, but the database has room for 8"


@pytest.fixture(scope="module")
def small_server():
    with NeonPostgres(settings={"max_connections": PLACES, "superuser_reserved_connections": 3}) as server:
        server.sql(ROLES)
        yield server


def lit(server, knobs: dict = {}, **settings) -> Lamp:
    return Lamp(server, knobs, {"default_pool_size": 50, "log_level": "info"} | settings)


async def ask_all(lamp: Lamp, statement: str, clients: int = CLIENTS, times: int = 1) -> list:
    """What many clients are answered who ask at once."""

    async def ask():
        connection = await asyncpg.connect(lamp.pooler.url())
        try:
            return [await connection.fetchval(statement) for _ in range(times)]
        finally:
            await connection.close()

    return await asyncio.gather(*(ask() for _ in range(clients)))


def servers_of(server) -> int:
    return int(server.sql("select count(*) from pg_stat_activity where usename = 'app'"))


def test_no_more_servers_are_opened_than_the_database_has_room_for(small_server):
    with lit(small_server) as lamp:
        answers = asyncio.run(ask_all(lamp, "select 1 from pg_sleep(0.02)", times=5))
        assert answers == [[1] * 5] * CLIENTS
        assert servers_of(small_server) == ROOM
        log = lamp.pooler.log_text()
        assert log.count(WARNING) == 1
        assert "max_connections 12: 3 reserved, 1 left for others" in log
        assert "too many clients" not in log and "slots are reserved" not in log


def test_the_question_travels_with_the_first_statement_and_wakes_nothing(small_server):
    with lit(small_server) as lamp:
        with psycopg.connect(lamp.pooler.url(), autocommit=True) as client:
            client.execute("select 1")
        assert "has room for 8 server connections" in lamp.pooler.log_text()
        assert lamp.neon.state()["wakes"] == 1


def test_a_database_that_wakes_with_another_size_is_asked_again():
    server = NeonPostgres()
    del server.settings["max_connections"]  # which would be the same at each start
    with server:
        server.sql(ROLES)
        with lit(server, {"real": True}) as lamp:
            asyncio.run(ask_all(lamp, "select 1", clients=1))
            assert "has room for 93 server connections (max_connections 100" in lamp.pooler.log_text()
            server.sql("alter system set max_connections = 24")
            lamp.neon.post("/suspend")
            lamp.neon.wait_for_state("IDLE")
            asyncio.run(ask_all(lamp, "select 1", clients=1))
            assert "has room for 20 server connections (max_connections 24" in lamp.pooler.log_text()


def test_with_server_budget_off_nothing_is_asked(small_server):
    with lit(small_server, server_budget="off") as lamp:
        asyncio.run(ask_all(lamp, "select 1", clients=1))
        assert "has room for" not in lamp.pooler.log_text()


def test_where_others_take_the_places_fewer_servers_serve_everybody(small_server):
    """Nobody is told, and when the others are gone all of them come back, one after another."""
    with lit(small_server, server_budget="off") as lamp, contextlib.ExitStack() as others:
        for _ in range(5):
            others.enter_context(psycopg.connect(lamp.neon.url()))
        answers = asyncio.run(ask_all(lamp, "select 1 from pg_sleep(0.02)", times=5))
        assert answers == [[1] * 5] * CLIENTS
        assert servers_of(small_server) <= PLACES - 3
        log = lamp.pooler.log_text()
        # Said once for each time that it shrinks: less often than logins are refused.
        assert 1 <= log.count("has no place for another connection") <= log.count("remaining connection slots are reserved")
        others.close()

        def is_back():
            asyncio.run(ask_all(lamp, "select 1 from pg_sleep(0.02)", clients=6, times=3))
            return servers_of(small_server) >= 6

        wait_until(is_back, "as many servers as clients")


def test_a_database_without_a_free_place_is_waited_for(small_server):
    with lit(small_server, server_budget="off", server_down_timeout=1) as lamp, contextlib.ExitStack() as others:
        for _ in range(ROOM):
            others.enter_context(psycopg.connect(lamp.neon.url()))

        async def wait_and_be_served():
            asking = asyncio.create_task(ask_all(lamp, "select 1", clients=3))
            while lamp.told(36) < 4:  # more than a second of refusals
                await asyncio.sleep(0.05)
            assert not asking.done()
            others.close()
            return await asking

        assert asyncio.run(wait_and_be_served()) == [[1]] * 3


def test_neons_own_pooler_is_warned_of_at_start_and_at_reload(server):
    host = "ep-quiet-lamp-123456{}.us-east-2.aws.neon.tech"
    upstream = f"postgresql://app:secret@{host.format('-pooler')}/app?hostaddr=127.0.0.1"
    with Ballast(server, ACCOUNTS, upstream=upstream) as pooler:
        warning = f"{host.format('-pooler')} is Neon's own pooler"
        assert warning in pooler.log_text() and f"use {host.format('')} instead" in pooler.log_text()
        pooler.reload()
        wait_until(lambda: pooler.log_text().count(warning) == 2, "it is said again")
    with Ballast(server, ACCOUNTS, upstream=upstream.replace("-pooler", "")) as pooler:
        assert "own pooler" not in pooler.log_text()
