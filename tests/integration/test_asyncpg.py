"""asyncpg: binary values, Describe with Flush, a statement cache on every connection, pools."""

import asyncio
import ssl

import asyncpg
import pytest


@pytest.fixture(params=["plain", "tls"])
def run(request, pooler, tls_context):
    """run(test): gives the coroutine function a connection."""

    def in_loop(test):
        async def connected():
            tls = tls_context if request.param == "tls" else False
            connection = await asyncpg.connect(pooler.url(host="localhost", sslmode="prefer"), ssl=tls)
            try:
                await test(connection)
            finally:
                await connection.close()

        asyncio.run(connected())

    return in_loop


def test_values_of_many_types(run):
    async def test(connection):
        values = [42, "ünïcödé 🚀", None, True, [1, 2, 3], b"\x00\xff", 1.5]
        types = ["int", "text", "int", "bool", "int[]", "bytea", "float8"]
        sql = "select " + ", ".join(f"${number}::{name}" for number, name in enumerate(types, 1))
        row = await connection.fetchrow(sql, *values)
        assert list(row) == values

    run(test)


def test_a_type_that_has_to_be_looked_up(run):
    async def test(connection):
        await connection.execute("drop type if exists mood; create type mood as enum ('glad', 'sad')")
        assert await connection.fetchval("select array['glad'::mood, 'sad']") == ["glad", "sad"]

    run(test)


def test_the_statement_cache(run):
    async def test(connection):
        for turn in range(5):
            for number in range(150):  # more than the 100 that the driver keeps
                assert await connection.fetchval(f"select {number} + $1::int", turn) == number + turn

    run(test)


def test_a_prepared_statement_of_the_applications_own(run):
    async def test(connection):
        statement = await connection.prepare("select $1::int * 2")
        assert [await statement.fetchval(number) for number in range(20)] == [number * 2 for number in range(20)]

    run(test)


def test_execute_many(run, table):
    async def test(connection):
        await connection.executemany(f"insert into {table} values ($1, $2)", [(n, f"word {n}") for n in range(5000)])
        assert await connection.fetchval(f"select sum(id) from {table}") == sum(range(5000))

    run(test)


def test_transactions(run, table):
    async def test(connection):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with connection.transaction(isolation="serializable"):
                await connection.execute(f"insert into {table} values (1)")
                await connection.fetchval("select 1 / 0")
        async with connection.transaction():
            await connection.execute(f"insert into {table} values (2)")
        assert await connection.fetchval(f"select array_agg(id) from {table}") == [2]

    run(test)


def test_a_cursor(run):
    async def test(connection):
        async with connection.transaction():
            found = [row[0] async for row in connection.cursor("select generate_series(1, 1000)", prefetch=70)]
        assert found == list(range(1, 1001))

    run(test)


def test_copy_both_ways(run, table):
    async def test(connection):
        records = [(number, f"word {number}") for number in range(5000)]
        await connection.copy_records_to_table(table, records=records)
        size = 0

        async def consume(data):
            nonlocal size
            size += len(data)

        assert await connection.copy_from_query(f"select * from {table}", output=consume) == "COPY 5000"
        assert size == sum(len(f"{number}\tword {number}\n") for number in range(5000))

    run(test)


def test_a_timeout_cancels_the_query(run):
    async def test(connection):
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetchval("select pg_sleep(60)", timeout=1)  # a cancel before the query has begun does nothing
        assert await connection.fetchval("select 1") == 1

    run(test)


def test_a_pool_of_fifty_on_five_servers(pooler, connections):
    """With the default statement cache: every connection believes that its statements are on its own server."""

    async def work(pool, worker: int):
        for turn in range(40):
            async with pool.acquire() as connection:
                assert await connection.fetchval("select $1::text", f"{worker}/{turn}") == f"{worker}/{turn}"
                assert await connection.fetchval(f"select {turn} + $1::int", worker) == turn + worker
                if turn % 4 == 0:
                    async with connection.transaction():
                        first = await connection.fetchval("select pg_backend_pid()")
                        assert await connection.fetchval("select pg_backend_pid()") == first

    async def test():
        async with asyncpg.create_pool(pooler.url(sslmode="disable"), min_size=50, max_size=50, ssl=False) as pool:
            await asyncio.gather(*(work(pool, worker) for worker in range(50)))

    asyncio.run(test())
    if pooler.name != "direct":
        assert connections(pooler) <= 5
