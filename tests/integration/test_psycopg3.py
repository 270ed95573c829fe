"""psycopg 3: the extended protocol, prepared statements, pipelines, binary values, asyncio."""

import asyncio
import threading

import psycopg
import pytest
from psycopg import errors


@pytest.fixture(params=[{}, {"sslmode": "require"}], ids=["plain", "tls"])
def connection(request, pooler):
    with psycopg.connect(pooler.url(**request.param), autocommit=True) as connection:
        yield connection


def test_scram_with_channel_binding(pooler):
    with psycopg.connect(pooler.url(sslmode="require", channel_binding="require")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_parameters_of_many_types(connection, binary):
    values = [42, "O'Reilly \\ ünïcödé 🚀", None, True, [1, 2, 3], b"\x00\xff", 1.5]
    row = connection.execute("select %s, %s::text, %s::int, %s, %s, %s::bytea, %s", values, binary=binary).fetchone()
    assert list(row) == values


def test_prepared_statements_from_the_first_time_on(connection):
    for number in range(50):
        row = connection.execute("select %s::int + 1", [number], prepare=True).fetchone()
        assert row == (number + 1,)


def test_more_prepared_statements_than_the_driver_keeps(connection):
    connection.prepared_max = 10
    for turn in range(3):
        for number in range(40):
            row = connection.execute(f"select {number} + %s::int", [turn], prepare=True).fetchone()
            assert row == (number + turn,)


def test_a_prepared_statement_that_fails_can_be_run_again(connection):
    for divisor, fails in ((1, False), (0, True), (2, False), (0, True), (1, False)):
        if fails:
            with pytest.raises(errors.DivisionByZero):
                connection.execute("select 2 / %s::int", [divisor], prepare=True)
        else:
            assert connection.execute("select 2 / %s::int", [divisor], prepare=True).fetchone() == (2 // divisor,)


def test_a_pipeline(connection, table):
    with connection.pipeline():
        insert = f"insert into {table} values (%s) returning id"
        cursors = [connection.execute(insert, [number]) for number in range(500)]
    assert [cursor.fetchone()[0] for cursor in cursors] == list(range(500))


def test_an_error_in_a_pipeline_skips_the_rest_only(connection):
    with pytest.raises(errors.DivisionByZero), connection.pipeline():
        connection.execute("select 1")
        connection.execute("select 1 / 0")
        connection.execute("select 2")
    assert connection.execute("select 3").fetchone() == (3,)


def test_a_pipeline_with_syncs_between(connection):
    with connection.pipeline() as pipeline:
        first = connection.execute("select 1")
        pipeline.sync()
        second = connection.execute("select 2")
        pipeline.sync()
        assert (first.fetchone(), second.fetchone()) == ((1,), (2,))


def test_transactions_and_savepoints(connection, table):
    with connection.transaction():
        connection.execute(f"insert into {table} values (1)")
        with pytest.raises(errors.DivisionByZero), connection.transaction():
            connection.execute(f"insert into {table} values (2)")
            connection.execute("select 1 / 0")
        connection.execute(f"insert into {table} values (3)")
    assert connection.execute(f"select id from {table} order by id").fetchall() == [(1,), (3,)]


def test_copy_in_binary(connection, table):
    with connection.cursor() as cursor:
        with cursor.copy(f"copy {table} from stdin (format binary)") as copy:
            copy.set_types(["int4", "text"])
            for number in range(5000):
                copy.write_row((number, f"word {number}"))
        with cursor.copy(f"copy (select * from {table} order by id) to stdout (format binary)") as copy:
            copy.set_types(["int4", "text"])
            rows = list(copy.rows())
    assert rows == [(number, f"word {number}") for number in range(5000)]


def test_a_copy_that_the_client_gives_up(connection, table):
    with connection.cursor() as cursor:
        with pytest.raises(errors.QueryCanceled), cursor.copy(f"copy {table} from stdin") as copy:
            copy.write("1\tone\n")
            raise RuntimeError("enough")  # the driver sends CopyFail
        assert cursor.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_cancel(connection):
    timer = threading.Timer(0.1, connection.cancel)
    timer.start()
    with pytest.raises(errors.QueryCanceled):
        connection.execute("select pg_sleep(60)")
    timer.join()
    assert connection.execute("select 1").fetchone() == (1,)


def test_a_server_side_cursor(connection):
    with connection.transaction(), connection.cursor("named") as cursor:
        cursor.execute("select generate_series(1, 1000)")
        assert [row[0] for row in cursor] == list(range(1, 1001))


def test_a_large_result_arrives_whole(connection):
    sql = "select repeat(md5(i::text), 64) from generate_series(1, 10000) i"
    rows = connection.execute(sql, binary=True).fetchall()
    assert len(rows) == 10000 and all(len(text) == 2048 for text, in rows)


def test_the_same_statement_on_forty_connections_at_once(pooler):
    async def one(number: int):
        async with await psycopg.AsyncConnection.connect(pooler.url(), autocommit=True) as connection:
            for turn in range(20):
                cursor = await connection.execute("select %s::int * %s::int", [number, turn], prepare=True)
                assert await cursor.fetchone() == (number * turn,)

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(40)))

    asyncio.run(all_of_them())
