"""psycopg2: libpq with the simple protocol, parameters put into the text."""

import io
import threading

import psycopg2
import psycopg2.errors
import pytest


@pytest.fixture(params=["disable", "require"])
def connection(request, pooler):
    connection = psycopg2.connect(pooler.url(sslmode=request.param))
    assert connection.info.ssl_in_use == (request.param == "require")
    yield connection
    connection.close()


def test_parameters_of_many_types(connection):
    values = [42, "O'Reilly \\ ünïcödé 🚀", None, True, [1, 2, 3], b"\x00\xff\\'", 1.5]
    with connection.cursor() as cursor:
        cursor.execute("select %s, %s, %s, %s, %s, %s, %s::float8", values)
        row = list(cursor.fetchone())
    row[5] = bytes(row[5])
    assert row == values


def test_commit_and_rollback(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"insert into {table} values (1)")
        connection.commit()
        cursor.execute(f"insert into {table} values (2)")
        connection.rollback()
        cursor.execute(f"select id from {table}")
        assert cursor.fetchall() == [(1,)]


def test_savepoints(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"insert into {table} values (1); savepoint s; insert into {table} values (2)")
        with pytest.raises(psycopg2.errors.DivisionByZero):
            cursor.execute("select 1/0")
        cursor.execute("rollback to s")
        connection.commit()
        cursor.execute(f"select id from {table}")
        assert cursor.fetchall() == [(1,)]


def test_errors_carry_the_servers_fields(connection):
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.UndefinedTable) as caught:
        cursor.execute("select * from nowhere")
    assert caught.value.diag.statement_position == "15"
    connection.rollback()


def test_copy_both_ways(connection, table):
    lines = "".join(f"{number}\tword {number}\n" for number in range(10000))
    with connection.cursor() as cursor:
        cursor.copy_expert(f"copy {table} from stdin", io.StringIO(lines))
        copied = io.StringIO()
        cursor.copy_expert(f"copy (select * from {table} order by id) to stdout", copied)
    assert copied.getvalue() == lines


def test_a_copy_that_fails_leaves_the_connection_usable(connection, table):
    with connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
            lines = "1\tfine\nnot a number\tbad\n" + "2\tlate\n" * 50000
            cursor.copy_expert(f"copy {table} from stdin", io.StringIO(lines))
        connection.rollback()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_cancel(connection):
    with connection.cursor() as cursor:
        timer = threading.Timer(0.1, connection.cancel)
        timer.start()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("select pg_sleep(60)")
        timer.join()
        connection.rollback()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_a_large_result_arrives_whole(connection):
    with connection.cursor() as cursor:
        cursor.execute("select i, repeat(md5(i::text), 64) from generate_series(1, 10000) i")
        rows = cursor.fetchall()
    assert len(rows) == 10000 and all(len(text) == 2048 for _, text in rows)


def test_one_large_value_both_ways(connection):
    value = "x" * 20_000_000
    with connection.cursor() as cursor:
        cursor.execute("select %s", [value])
        assert cursor.fetchone()[0] == value


def test_a_named_cursor(connection):
    with connection.cursor("named") as cursor:
        cursor.itersize = 100
        cursor.execute("select generate_series(1, 1000)")
        assert [row[0] for row in cursor] == list(range(1, 1001))


def test_autocommit_runs_what_may_not_be_in_a_transaction(connection, table):
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"create index concurrently on {table} (id)")
        cursor.execute("select count(*) from pg_stat_activity")
        assert cursor.fetchone()[0] > 0
