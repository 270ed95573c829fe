"""Clients that are gone in the middle of something: nothing of it is seen, no server is lost."""

import socket
import struct

import pytest

from processes import wait_until
from wire import COPY_DONE, FLUSH, SYNC, Wire, bind, copy_data, execute, parse, query

SERVERS = 2


def in_transaction(client: Wire):
    assert client.ask(query("begin; insert into t values (1)")).statuses == "T"


def in_failed_transaction(client: Wire):
    assert client.ask(query("begin; insert into t values (1); select 1 / 0")).statuses == "E"


def while_a_query_runs(client: Wire):
    client.ask(query("begin; insert into t values (1)"))
    client.send(query("select pg_sleep(0.3)"))


def in_half_a_message(client: Wire):
    client.ask(query("begin; insert into t values (1)"))
    client.send(query("select 1; commit")[:-6])


def in_half_a_message_without_transaction(client: Wire):
    client.send(query("insert into t values (1)")[:-6])


def while_a_result_comes(client: Wire):
    client.send(query("begin; insert into t values (1); select repeat('x', 1000) from generate_series(1, 100000)"))
    client.read()


def in_copy_in(client: Wire):
    client.send(query("copy t from stdin") + copy_data(b"1\tone\n"))
    client.read_until("G")


def in_half_a_copy_data(client: Wire):
    client.send(query("copy t from stdin") + copy_data(b"1\tone\n" * 1000)[:3000])
    client.read_until("G")


def in_copy_out(client: Wire):
    client.send(query("begin; insert into t values (1); copy (select generate_series(1, 1000000)) to stdout"))
    client.read_until("H")


def between_parse_and_sync(client: Wire):
    client.send(parse("a", "insert into t values (1)") + bind("", "a") + execute() + FLUSH)
    client.read_until("C")


def behind_an_error_before_sync(client: Wire):
    client.send(parse("a", "insert into t values (1)") + bind("", "a") + execute() + parse("b", "select from") + FLUSH)
    client.read_until("E")


LEAVING_IN = [
    in_transaction,
    in_failed_transaction,
    while_a_query_runs,
    in_half_a_message,
    in_half_a_message_without_transaction,
    while_a_result_comes,
    in_copy_in,
    in_half_a_copy_data,
    in_copy_out,
    between_parse_and_sync,
    behind_an_error_before_sync,
]


def close(client: Wire):
    client.socket.close()


def reset(client: Wire):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def half_close(client: Wire):
    client.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [close, reset, half_close], ids=lambda f: f.__name__)
@pytest.mark.parametrize("situation", LEAVING_IN, ids=lambda f: f.__name__)
def test_nothing_is_left(start, connect, connections, table, situation, leave):
    pooler = start(default_pool_size=SERVERS)
    for _ in range(SERVERS * 2 + 1):
        leaving = connect(pooler)
        situation(leaving)
        leave(leaving)
    staying = connect(pooler)
    assert staying.value(f"select count(*) from {table}") == "0"
    assert staying.ask(parse("a", "select 1") + bind("", "a") + execute() + SYNC).rows == [[b"1"]]
    assert staying.ask(query(f"copy {table} from stdin") + copy_data(b"7\tseven\n") + COPY_DONE).tags == ["COPY 1"]
    wait_until(lambda: connections(pooler, "state <> 'idle'") == 0, "no server is left in the middle of something")
    assert connections(pooler) <= SERVERS
    every_server_can_be_had(pooler, connect)


def every_server_can_be_had(pooler, connect):
    holders = [connect(pooler) for _ in range(SERVERS)]
    for holder in holders:
        assert holder.ask(query("begin; select 1")).statuses == "T"
    assert len({holder.value("select pg_backend_pid()") for holder in holders}) == SERVERS


def test_a_client_that_leaves_the_queue_frees_its_place(start, connect):
    pooler = start(default_pool_size=1)
    holder = connect(pooler)
    holder.ask(query("begin; select 1"))
    for _ in range(20):
        waiting = connect(pooler)
        waiting.send(query("select 1"))
        waiting.socket.close()
    last = connect(pooler)
    last.send(query("select 'served'"))
    holder.ask(query("commit"))
    assert last.read_until("Z").rows == [[b"served"]]


def test_a_query_of_a_client_that_left_the_queue_is_not_run(start, connect, table):
    pooler = start(default_pool_size=1)
    holder = connect(pooler)
    holder.ask(query("begin; select 1"))
    waiting = connect(pooler)
    waiting.send(query(f"insert into {table} values (1)"))
    reset(waiting)
    behind = connect(pooler)
    behind.send(query(f"select count(*) from {table}"))
    holder.ask(query("commit"))
    assert behind.read_until("Z").rows == [[b"0"]]


def test_clients_that_only_look_in(pooler, connect):
    for _ in range(50):
        socket.create_connection(("127.0.0.1", pooler.port)).close()
    assert connect(pooler).value("select 1") == "1"
