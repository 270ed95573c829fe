"""Limits and timeouts: what a client is told when one is reached names the setting, and the limit holds."""

import os
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from processes import wait_until
from wire import SYNC, LoginRefused, Wire, bind, execute, parse, query

SLEEPERS = "select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'"


def refusal(answers) -> tuple[str, str]:
    return answers.sqlstates[0], answers.error


def test_max_client_conn(start, connect):
    pooler = start(max_client_conn=3)
    clients = [connect(pooler) for _ in range(3)]
    with pytest.raises(LoginRefused, match="max_client_conn") as refused:
        connect(pooler)
    assert refused.value.sqlstate == "53300"
    clients[0].socket.close()
    wait_until(lambda: admitted(pooler, connect), "the place is free again")
    assert clients[1].value("select 1") == "1"


def admitted(pooler, connect) -> bool:
    try:
        connect(pooler)
        return True
    except LoginRefused:
        return False


def test_query_wait_timeout_keeps_the_client(start, connect):
    pooler = start(default_pool_size=1, query_wait_timeout=0.2)
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    sqlstate, message = refusal(waiting.ask(query("select 1")))
    assert sqlstate == "53300" and "query_wait_timeout" in message
    batch = parse("", "select 1") + bind("", "") + execute() + parse("", "select 2") + bind("", "") + execute() + SYNC
    refused = waiting.ask(batch)
    assert refused.types == "EZ" and "query_wait_timeout" in refused.error
    holder.ask(query("commit"))
    assert waiting.value("select 'served'") == "served"


def test_query_wait_timeout_with_pipelined_batches(start, connect):
    """Each batch that was not run is refused by itself: the client counts on as many ReadyForQuery as Syncs."""
    pooler = start(default_pool_size=1, query_wait_timeout=0.2)
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    batch = parse("", "select 1") + bind("", "") + execute() + SYNC
    assert waiting.ask(batch * 3, ready=3).types == "EZ" * 3
    holder.ask(query("commit"))
    assert waiting.ask(batch).rows == [[b"1"]]


def test_waiters_are_served_in_the_order_of_their_coming(start, connect):
    pooler = start(default_pool_size=1)
    holder, *waiting = [connect(pooler) for _ in range(6)]
    holder.ask(query("begin; select 1"))
    for client in waiting:
        client.send(query("select clock_timestamp()"))
    holder.ask(query("commit"))
    times = [client.read_until("Z").rows[0][0] for client in waiting]
    assert times == sorted(times)


def test_query_timeout(start, connect, server):
    pooler = start(query_timeout=0.3)
    client = connect(pooler)
    client.send(query("select pg_sleep(60)"))
    ending = client.closed_by_peer()
    assert ending.sqlstates == ["57014"] and "query_timeout" in ending.error
    wait_until(lambda: server.sql(SLEEPERS) == "0\n", "the query is over on the server too")


def test_a_backend_that_begins_the_query_after_its_cancel_is_canceled_again(start, connect, server):
    """A cancel does nothing as long as the backend has not read the query: on a busy machine that may take."""
    pooler = start(query_timeout=0.3)
    client = connect(pooler)
    backend = int(client.ask(query("select pg_backend_pid()")).rows[0][0])
    os.kill(backend, signal.SIGSTOP)
    try:
        client.send(query("select pg_sleep(60)"))
        assert client.closed_by_peer().sqlstates == ["57014"]
        wait_until(lambda: is_pending(backend, signal.SIGINT), "the cancel has come before the query")
    finally:
        os.kill(backend, signal.SIGCONT)
    wait_until(lambda: not Path(f"/proc/{backend}").exists(), "the backend is gone")
    assert server.sql(SLEEPERS) == "0\n"


def is_pending(process: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_idle_transaction_timeout(start, connect, connections, table):
    pooler = start(idle_transaction_timeout=0.3)
    client = connect(pooler)
    client.ask(query(f"begin; insert into {table} values (1)"))
    ending = client.closed_by_peer()
    assert ending.sqlstates == ["25P03"] and "idle_transaction_timeout" in ending.error
    assert connect(pooler).value(f"select count(*) from {table}") == "0"


def test_client_idle_timeout(start, connect):
    client = connect(start(client_idle_timeout=0.3))
    assert client.value("select 1") == "1"
    ending = client.closed_by_peer()
    assert ending.sqlstates == ["57P05"] and "client_idle_timeout" in ending.error


def test_client_login_timeout(start):
    pooler = start(client_login_timeout=0.3)
    with Wire(pooler.port) as client:
        client.startup(user="app", database="app")
        ending = client.closed_by_peer()
    assert ending[-1].kind == "E" and "client_login_timeout" in ending.error


def test_client_login_timeout_covers_tls(start, tls_settings):
    pooler = start(client_login_timeout=0.3, **tls_settings)
    with Wire(pooler.port) as client:
        client.send(bytes.fromhex("0000000804d2162f"))  # SSLRequest
        assert client.socket.recv(1) == b"S"
        client.closed_by_peer()


def test_a_packet_larger_than_max_packet_size(start, connect):
    pooler = start(max_packet_size=100_000)
    client = connect(pooler)
    assert client.ask(query(f"select length('{'x' * 90_000}')")).rows == [[b"90000"]]
    client.send(query(f"select length('{'x' * 110_000}')"))
    ending = client.closed_by_peer()
    assert ending.sqlstates == ["54000"] and "max_packet_size" in ending.error
    assert connect(pooler).value("select 1") == "1"


def test_more_names_than_max_client_prepared_statements(start, connect):
    client = connect(start(max_client_prepared_statements=3))
    for number in range(3):
        client.ask(parse(f"s{number}", f"select {number}") + SYNC)
    client.send(parse("s3", "select 3") + SYNC)
    ending = client.closed_by_peer()
    assert ending.sqlstates == ["54000"] and "max_client_prepared_statements" in ending.error


def work_for(pooler, user: str, password: str, seconds: str = "0.02"):
    with psycopg.connect(pooler.url(user, password), autocommit=True) as connection:
        for _ in range(10):
            connection.execute(f"select pg_sleep({seconds})")


LOOKS = 30  # each takes as long as it takes to ask PostgreSQL by psql


def most_seen(pooler, connections, clients: list[tuple[str, str]], expected: int) -> int:
    """The greatest number of server connections seen, once there are as many as expected, while all of them work."""
    is_over = threading.Event()

    def work(user: str, password: str):
        while not is_over.is_set():
            work_for(pooler, user, password)

    threads = [threading.Thread(target=work, args=client) for client in clients]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: connections(pooler) >= expected, f"there are {expected} server connections")
        return max(connections(pooler) for _ in range(LOOKS))
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


APP, OTHER = ("app", "secret"), ("other", "the other's secret")


def test_default_pool_size_holds_under_load(start, connections):
    assert most_seen(start(default_pool_size=3), connections, [APP] * 30, 3) == 3


def test_max_db_connections_holds_over_all_pools(start, connections):
    pooler = start(default_pool_size=10, max_db_connections=4)
    assert most_seen(pooler, connections, [APP] * 15 + [OTHER] * 15, 4) == 4


def test_max_db_connections_lets_no_user_starve(start, connect):
    """All connections idle with one user: the other's need takes one of them."""
    pooler = start(default_pool_size=2, max_db_connections=2)
    holders = [connect(pooler) for _ in range(2)]
    for holder in holders:
        holder.ask(query("begin; select 1"))
    for holder in holders:
        holder.ask(query("commit"))
    assert connect(pooler, "other").value("select current_user") == "other"


def test_max_user_connections(start, connections):
    pooler = start(default_pool_size=10, max_user_connections=2)
    assert most_seen(pooler, connections, [APP] * 20, 2) == 2


def test_settings_of_one_database_and_user(start, connections):
    tables = "[databases.app]\npool_size = 4\n[users.other]\npool_size = 2\n"
    pooler = start(options={"tables": tables}, default_pool_size=1)
    assert most_seen(pooler, connections, [APP] * 20, 4) == 4
    before = connections(pooler)
    assert most_seen(pooler, connections, [OTHER] * 20, before + 2) == before + 2


def test_the_reserve_is_used_after_its_timeout(start, connect, connections):
    pooler = start(default_pool_size=1, reserve_pool_size=1, reserve_pool_timeout=0.3)
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    assert waiting.value("select 1") == "1"
    assert connections(pooler) == 2


def test_min_pool_size_is_opened_once_somebody_came(start, connect, connections):
    pooler = start(min_pool_size=3)
    connect(pooler).value("select 1")
    wait_until(lambda: connections(pooler) == 3, "three server connections")


def test_server_idle_timeout(start, connect, connections):
    pooler = start(server_idle_timeout=0.3)
    client = connect(pooler)
    client.value("select 1")
    wait_until(lambda: connections(pooler) == 0, "the idle server connection is closed")
    assert client.value("select 1") == "1"


def test_server_lifetime(start, connect):
    pooler = start(default_pool_size=1, server_lifetime=0.3)
    client = connect(pooler)
    first = client.value("select pg_backend_pid()")
    wait_until(lambda: client.value("select pg_backend_pid()") != first, "another server connection")


def test_session_pooling_keeps_the_server_and_resets_it(start, connect):
    pooler = start(default_pool_size=1, pool_mode="session", query_wait_timeout=0.2)
    first = connect(pooler)
    first.ask(query("set work_mem = '7MB'"))
    waiting = connect(pooler)
    assert "query_wait_timeout" in waiting.ask(query("select 1")).error
    assert first.value("show work_mem") == "7MB"
    first.socket.close()
    wait_until(lambda: not waiting.ask(query("select 1")).sqlstates, "the server is free")
    assert waiting.value("show work_mem") == "4MB"


def test_statement_pooling_refuses_transactions(start, connect):
    pooler = start(default_pool_size=1, pool_mode="statement")
    client = connect(pooler)
    assert client.value("select 1") == "1"
    client.send(query("begin; select 1"))
    ending = client.closed_by_peer()
    assert "pool_mode" in ending.error
    assert connect(pooler).value("select 1") == "1"
