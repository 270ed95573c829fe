"""A cancel request ends the query that it was meant for, and no other."""

import threading

import pytest

from processes import wait_until
from wire import Wire, cancel, cancel_request, query

SLEEP = query("select pg_sleep(60)")


def running(pooler, connections, count: int = 1):
    wait_until(lambda: connections(pooler, "state = 'active' and query like '%pg_sleep%'") == count, "the query runs")


def test_a_running_query_is_cancelled(pooler, client, connections):
    client.send(SLEEP)
    running(pooler, connections)
    cancel(pooler.port, client.process, client.secret)
    assert client.read_until("Z").sqlstates == ["57014"]
    assert client.value("select 1") == "1"


def test_only_that_query_is_cancelled(start, connect, connections):
    pooler = start(default_pool_size=5)
    clients = [connect(pooler) for _ in range(5)]
    for client in clients:
        client.send(SLEEP)
    running(pooler, connections, 5)
    for client in clients[:4]:
        cancel(pooler.port, client.process, client.secret)
        assert client.read_until("Z").sqlstates == ["57014"]
    running(pooler, connections, 1)
    cancel(pooler.port, clients[4].process, clients[4].secret)
    assert clients[4].read_until("Z").sqlstates == ["57014"]


def test_a_waiting_client_is_answered_at_once(start, connect):
    pooler = start(default_pool_size=1)
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    waiting.send(query("select 1"))
    cancel(pooler.port, waiting.process, waiting.secret)
    assert waiting.read_until("Z").sqlstates == ["57014"]
    assert holder.value("select 'undisturbed'") == "undisturbed"
    holder.ask(query("commit"))
    assert waiting.value("select 1") == "1"


def test_an_idle_client_is_left_alone(pooler, client):
    for _ in range(5):
        cancel(pooler.port, client.process, client.secret)
        assert client.value("select 1") == "1"


def test_a_wrong_secret_cancels_nothing(pooler, client, connections):
    client.send(SLEEP)
    running(pooler, connections)
    wrong = bytes([client.secret[0] ^ 1]) + client.secret[1:]
    cancel(pooler.port, client.process, wrong)
    cancel(pooler.port, client.process ^ 1, client.secret)
    running(pooler, connections)
    cancel(pooler.port, client.process, client.secret)
    assert client.read_until("Z").sqlstates == ["57014"]


def test_the_key_of_a_client_that_has_left_cancels_nothing(start, connect, connections):
    pooler = start(default_pool_size=1)
    gone = connect(pooler)
    gone.value("select 1")
    gone.socket.close()
    staying = connect(pooler)
    staying.send(SLEEP)
    running(pooler, connections)
    cancel(pooler.port, gone.process, gone.secret)
    running(pooler, connections)
    cancel(pooler.port, staying.process, staying.secret)
    assert staying.read_until("Z").sqlstates == ["57014"]


def test_late_cancels_never_hit_the_next_owner(start, connect):
    """One server; each client's cancel races with the end of its own query and with the next client's."""
    pooler = start(default_pool_size=1)
    victim, others = connect(pooler), [connect(pooler) for _ in range(3)]
    for turn in range(100):
        victim.send(query("select 1"))
        canceller = threading.Thread(target=cancel, args=(pooler.port, victim.process, victim.secret))
        canceller.start()
        for other in others:
            other.send(query(f"select pg_sleep(0.001), {turn}"))
        for other in others:
            assert other.read_until("Z").sqlstates == []
        assert victim.read_until("Z").sqlstates in ([], ["57014"])
        canceller.join()


def test_5_5_94_a_cancel_over_tls(start, server, connections, tls_settings, tls_context):
    pooler = start(**tls_settings)
    with Wire.login(pooler.port, "app", "secret", "app", tls=tls_context) as client:
        client.send(SLEEP)
        running(pooler, connections)
        with Wire(pooler.port) as canceller:
            canceller.start_tls(tls_context)
            canceller.send(cancel_request(client.process, client.secret))
            canceller.closed_by_peer()
        assert client.read_until("Z").sqlstates == ["57014"]


@pytest.mark.parametrize("length", [8, 11, 12, 15])
def test_a_cut_cancel_request_is_refused(pooler, connect, length):
    with Wire(pooler.port) as canceller:
        canceller.send((16).to_bytes(4, "big") + (80877102).to_bytes(4, "big") + bytes(length - 8))
        canceller.socket.shutdown(1)
        canceller.closed_by_peer()
    assert connect(pooler).value("select 1") == "1"


def test_a_storm_of_cancels(start, connect, connections):
    pooler = start(default_pool_size=2, max_client_conn=2000)
    client = connect(pooler)
    client.send(SLEEP)
    running(pooler, connections)
    storm = [Wire(pooler.port) for _ in range(200)]
    for canceller in storm:
        canceller.send(cancel_request(client.process, client.secret))
    for canceller in storm:
        canceller.closed_by_peer()
        canceller.socket.close()
    assert client.read_until("Z").sqlstates == ["57014"]
    assert client.value("select 1") == "1"
