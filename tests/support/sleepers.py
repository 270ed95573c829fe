"""Clients that ask a database which sleeps, with asyncpg's pool, psycopg's connections and node-postgres's pool.

    async with Sleepers(pooler, 20, node_modules) as sleepers:
        told = await sleepers.turn()         # each asks once: every second one writes, the others read what they wrote
        told = await sleepers.turn(50)       # each fifty times, or until something goes wrong
        told[0].error, told[0].began, told[0].took_s

Whatever goes wrong is told, not raised. What has been written is in `sleepers.written`.
"""

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg

from poolers import Pooler

TABLE = "drop table if exists slept; create table slept (id bigint); grant all on slept to app"
TURN_DEADLINE_S = 20
NODE_PROGRAM = "sleepers.mjs"


@dataclass
class Told:
    driver: str
    writes: bool
    began: float  # by time.time(), which other processes share
    took_s: float
    error: str  # empty: it was answered, and rightly


class Sleepers:
    def __init__(self, pooler: Pooler, clients: int, node_modules: Path, only_reads: bool = False):
        self.pooler = pooler
        self.only_reads = only_reads
        self.written: set[int] = set()
        self.turns = 0
        share = clients // 3
        self.crowds = [
            Psycopg(clients - 2 * share, self.pooler),
            Asyncpg(share, self.pooler),
            Node(share, self.pooler, node_modules),
        ]
        self.pioneer = Psycopg(1, self.pooler)

    async def __aenter__(self) -> "Sleepers":
        async with AsyncExitStack() as stack:
            for crowd in [*self.crowds, self.pioneer]:
                await stack.enter_async_context(crowd)
            self.stack = stack.pop_all()
        return self

    async def __aexit__(self, *error):
        return await self.stack.__aexit__(*error)

    async def turn(self, repeats: int = 1) -> list[Told]:
        """Each client asks `repeats` times, one thing after the other."""
        self.turns += 1
        first = self.turns * 1_000_001  # odd and even in turns, so that who has read writes
        parts = [first + number * 100_000 for number in range(len(self.crowds))]
        asked = [crowd.ask(part, repeats, self.only_reads) for part, crowd in zip(parts, self.crowds)]
        answered = [told for part in await asyncio.gather(*asked) for told in part]
        for crowd in [*self.crowds, self.pioneer]:
            self.written |= crowd.written
        return answered

    async def go_ahead(self, writes: bool) -> Told:
        """One more asks, before the turn that follows."""
        id = 2 * (self.turns + 1) * 1_000_001 + len(self.crowds) * 100_000
        return await self.pioneer.ask_once(0, id, only_reads=not writes)


class Crowd:
    driver = ""

    def __init__(self, clients: int, pooler: Pooler):
        self.clients = clients
        self.pooler = pooler
        self.written: set[int] = set()
        self.last: dict[int, int] = {}  # what each client has written last

    async def ask(self, first: int, repeats: int, only_reads: bool) -> list[Told]:
        async def one(client: int) -> list[Told]:
            ids = range(first + client * repeats, first + (client + 1) * repeats)
            told = []
            for id in ids:
                told.append(await self.ask_once(client, id, only_reads))
                if told[-1].error:
                    break
            return told

        return [told for part in await asyncio.gather(*map(one, range(self.clients))) for told in part]

    async def ask_once(self, client: int, id: int, only_reads: bool) -> Told:
        writes = not only_reads and (client not in self.last or id % 2 == 0)
        began, clock, error = time.time(), time.monotonic(), ""
        try:
            error = await asyncio.wait_for(self.deed(client, id, writes), TURN_DEADLINE_S)
        except asyncio.TimeoutError:
            error = f"no answer within {TURN_DEADLINE_S} s"
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, psycopg.Error) as broken:
            error = f"{type(broken).__name__} {getattr(broken, 'sqlstate', '')}: {broken}"
        return Told(self.driver, writes, began, time.monotonic() - clock, error)

    async def deed(self, client: int, id: int, writes: bool) -> str:
        if not writes:
            return await self.check(client)
        await self.write(client, id)
        self.last[client] = id
        self.written.add(id)
        return ""

    async def check(self, client: int) -> str:
        expected = 1 if client in self.last else 0
        found = await self.read(client, self.last.get(client, 0))
        return "" if found == expected else f"read {found} rows of {expected}"

    async def write(self, client: int, id: int):
        raise NotImplementedError

    async def read(self, client: int, id: int) -> int:
        raise NotImplementedError


class Psycopg(Crowd):
    driver = "psycopg"

    async def __aenter__(self):
        connect = psycopg.AsyncConnection.connect
        self.connections = [await connect(self.pooler.url(), autocommit=True) for _ in range(self.clients)]
        return self

    async def __aexit__(self, *_):
        for connection in self.connections:
            await connection.close()

    async def write(self, client: int, id: int):
        await self.connections[client].execute("insert into slept values (%s)", [id])

    async def read(self, client: int, id: int) -> int:
        cursor = await self.connections[client].execute("select count(*) from slept where id = %s", [id])
        return (await cursor.fetchone())[0]


class Asyncpg(Crowd):
    driver = "asyncpg"

    async def __aenter__(self):
        url = self.pooler.url().partition("?")[0]
        self.pool = await asyncpg.create_pool(url, min_size=self.clients, max_size=self.clients, ssl=False)
        return self

    async def __aexit__(self, *_):
        self.pool.terminate()

    async def write(self, client: int, id: int):
        await self.pool.execute("insert into slept values ($1)", id)

    async def read(self, client: int, id: int) -> int:
        return await self.pool.fetchval("select count(*) from slept where id = $1", id)


class Node(Crowd):
    """A process of node (tests/integration/node/sleepers.mjs), which gets and gives one line of JSON for each turn."""

    driver = "node-postgres"

    def __init__(self, clients: int, pooler: Pooler, node_modules: Path):
        super().__init__(clients, pooler)
        self.node_modules = node_modules

    async def __aenter__(self):
        environment = os.environ | {"APP_URL": self.pooler.url().partition("?")[0], "CLIENTS": str(self.clients)}
        self.process = await asyncio.create_subprocess_exec(
            "node",
            NODE_PROGRAM,
            cwd=self.node_modules,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        return self

    async def __aexit__(self, *_):
        self.process.stdin.close()
        await self.process.wait()

    async def ask(self, first: int, repeats: int, only_reads: bool) -> list[Told]:
        request = {"first": first, "repeats": repeats, "onlyReads": only_reads}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        await self.process.stdin.drain()
        line = await asyncio.wait_for(self.process.stdout.readline(), repeats + TURN_DEADLINE_S)
        if not line:
            raise RuntimeError("node has ended")
        answer = json.loads(line)
        self.written |= set(answer["written"])
        return [Told(self.driver, *each) for each in answer["told"]]
