"""The database: an engine with its pool, and what becomes of its errors.

    passages = await database.run(lambda connection: search(connection, question))
    await database.run_in_transaction(write)

Every piece of work may run twice: it only reads, or it writes under a key that was chosen before. Only for that reason
may it be repeated when its connection is lost, which can happen after the database has done it. Work must hold nothing
else up: no call to an LLM, no hashing. A connection that waits for those is one that others can't have.
"""

import asyncio
import random
from typing import Awaitable, Callable, TypeVar

from asyncpg import InternalClientError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .settings import Settings

ATTEMPTS = 3
FIRST_PAUSE_S = 0.1
RETRY_AFTER_S = 2
# Longer than a user thinks: those who come again at once are more than those who would have come.
FULL_RETRY_AFTER_S = 10
HEALTH_TIMEOUT_S = 1.5
# The key of the lock of who changes tables; any number, as long as nobody else uses it.
ONE_AT_A_TIME = 20_260_101

# Classes of SQLSTATE (PostgreSQL manual, appendix A). The connection is lost, or could not be made:
LOST = ("08", "57P", "XX000")  # XX000 is how Neon's proxy tells that a compute can't be reached
# There is no room now. To ask again at once would only add to that.
FULL = ("53",)

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Awaitable[Result]]


class DatabaseUnavailable(Exception):
    """The database can't be asked now; later it can. The request has changed nothing, or may be repeated."""

    def __init__(self, reason: str, retry_after_s: int = RETRY_AFTER_S):
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Database:
    def __init__(self, settings: Settings):
        self._timeout_s = settings.database_timeout_s
        # The pool is as SQLAlchemy's documentation advises. Without overflow, whose connections live for one request
        # only; and without a ping before each use, which is a round trip: what it would find out, a repeat mends.
        self.engine: AsyncEngine = create_async_engine(
            settings.database_url,
            connect_args=dict(settings.connect_args),
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=settings.pool_timeout_s,
            pool_recycle=settings.pool_recycle_s,
            pool_pre_ping=settings.pool_pre_ping,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        # The same pool. A statement by itself is a transaction: no BEGIN, no COMMIT, one round trip.
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._given_up: set[asyncio.Task] = set()

    async def run(self, work: Work[Result]) -> Result:
        """Each statement of the work is a transaction."""
        return await self._within(self._timeout_s, self._repeat(self._autocommit, work))

    async def run_in_transaction(self, work: Work[Result]) -> Result:
        """The work is one transaction."""
        return await self._within(self._timeout_s, self._repeat(self.engine, work))

    async def check(self):
        """Asks the database something, and so wakes it if it sleeps."""

        async def ask(connection: AsyncConnection):
            await connection.execute(text("SELECT 1"))

        await self._within(HEALTH_TIMEOUT_S, self._once(self._autocommit, ask))

    async def close(self):
        await self.engine.dispose()

    async def _repeat(self, engine: AsyncEngine, work: Work[Result]) -> Result:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(engine, work)
            except Exception as error:
                if not is_lost(error):
                    raise
            await asyncio.sleep(FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1))
        return await self._once(engine, work)

    async def _once(self, engine: AsyncEngine, work: Work[Result]) -> Result:
        async with engine.begin() as connection:
            return await work(connection)

    async def _within(self, timeout_s: float, asked: Awaitable[Result]) -> Result:
        """The result, or DatabaseUnavailable by then. What is given up tidies up while nobody waits for it."""
        task = asyncio.ensure_future(asked)
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout_s)
        finally:
            if not task.done():
                self._given_up.add(task)
                task.add_done_callback(self._forget)
                task.cancel()
        if not done:
            raise DatabaseUnavailable(f"no answer within {timeout_s:g} s")
        try:
            return task.result()
        except Exception as error:
            if is_lost(error):
                raise DatabaseUnavailable(_reason(error)) from error
            if is_full(error):
                raise DatabaseUnavailable(_reason(error), FULL_RETRY_AFTER_S) from error
            raise

    def _forget(self, task: asyncio.Task):
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # nobody asks any more


def is_lost(error: BaseException) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # While it connects, asyncpg lets the system's errors through. Its InternalClientError is what a statement gets
    # that is asked when the server's last words are there already, but not yet the end of the connection.
    return sqlstate(error).startswith(LOST) or isinstance(error, (OSError, asyncio.TimeoutError, InternalClientError))


def is_full(error: BaseException) -> bool:
    return isinstance(error, PoolTimeout) or sqlstate(error).startswith(FULL)


def sqlstate(error: BaseException) -> str:
    told = getattr(error, "orig", None) or error
    return getattr(told, "sqlstate", None) or ""


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__} {sqlstate(error)}".strip()
