"""Steering the running process: by signals and over HTTP, in PgBouncer's words."""

import json
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from processes import free_port, local_ports, wait_until
from wire import SYNC, Wire, bind, execute, parse, query


class Desk:
    """A Ballast with HTTP, and what an operator does to it."""

    def __init__(self, pooler, port):
        self.pooler = pooler
        self.port = port

    def post(self, path: str, token: str = "") -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            body = error.read().decode()
            return error.code, json.loads(body) if body.startswith("{") else body

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def signal(self, which: signal.Signals):
        self.pooler.process.send_signal(which)

    def servers(self) -> int:
        return len(local_ports(self.pooler.pid, self.pooler.server.port))

    def wait_for_log(self, words: str):
        wait_until(lambda: words in self.pooler.log_text(), f"the log says: {words}")


@pytest.fixture
def desk(start):
    def begin(**settings) -> Desk:
        port = free_port()
        return Desk(start(http_port=port, **settings), port)

    return begin


@contextmanager
def in_background(work):
    """Runs it in a thread; the result is in the list that this yields, once it has one."""
    results: list = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    yield results
    thread.join(60)
    assert not thread.is_alive()


# Pause and resume -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_pause_waits_for_transactions_and_clients_wait_for_resume_5_7_118(desk, connect, workers):
    desk = desk(workers=workers, default_pool_size=3)
    clients = [connect(desk.pooler) for _ in range(6)]
    for client in clients:
        assert client.value("select 1") == "1"
    clients[0].ask(query("begin; select 1"))
    with in_background(lambda: desk.post("/pause")) as paused:
        desk.wait_for_log("PAUSE")
        wait_until(lambda: desk.servers() == 1, "only the one in a transaction is left")
        assert not paused
        assert clients[0].ask(query("commit")).tags == ["COMMIT"]
    assert paused[0][0] == 200 and paused[0][1]["status"] == "paused"
    assert desk.servers() == 0
    for client in clients:
        client.send(query("select 2"))
    late = connect(desk.pooler)
    late.send(query("select 3"))
    assert desk.post("/pause")[0] == 409
    assert desk.servers() == 0
    assert desk.post("/resume")[0] == 200
    assert all(client.read_until("Z").rows == [[b"2"]] for client in clients)
    assert late.read_until("Z").rows == [[b"3"]]


def test_signals_pause_and_resume_5_7_118(desk, connect):
    desk = desk()
    client = connect(desk.pooler)
    assert client.value("select 1") == "1"
    desk.signal(signal.SIGUSR1)
    wait_until(lambda: desk.servers() == 0, "all servers are closed")
    client.send(query("select 2"))
    desk.signal(signal.SIGUSR2)
    assert client.read_until("Z").rows == [[b"2"]]
    desk.signal(signal.SIGUSR2)
    desk.wait_for_log("pooler is not paused/suspended")


def test_one_database_is_paused_5_7_118(desk, connect):
    desk = desk(query_wait_timeout=0.3)
    client = connect(desk.pooler)
    assert desk.post("/pause?database=nowhere") == (404, {"error": "no such database: nowhere", "detail": ""})
    assert desk.post("/resume?database=app") == (409, {"error": "database app is not paused", "detail": ""})
    assert desk.post("/pause?database=app")[0] == 200
    told = client.ask(query("select 1"))
    assert told.sqlstates == ["53300"] and "query_wait_timeout" in told.error
    assert desk.post("/resume?database=app")[0] == 200
    assert client.value("select 1") == "1"


def test_resume_ends_a_pause_that_waits_5_7_118(desk, connect):
    desk = desk()
    client = connect(desk.pooler)
    client.ask(query("begin; select 1"))
    with in_background(lambda: desk.post("/pause")) as paused:
        desk.wait_for_log("PAUSE")
        assert desk.post("/resume")[0] == 200
    assert paused[0][0] == 409 and "RESUME came" in paused[0][1]["error"]
    assert client.ask(query("commit")).tags == ["COMMIT"]


def test_pause_before_the_last_sync_of_a_pipeline_5_7_119(desk, connect):
    desk = desk(default_pool_size=1)
    client = connect(desk.pooler)
    a = parse("", "select $1::text") + bind("", "", ("a",)) + execute()
    b = bind("", "", ("b",)) + execute()
    client.send(a + SYNC + parse("", "select $1::text"))
    assert client.read_until("Z").rows == [[b"a"]]
    with in_background(lambda: desk.post("/pause")) as paused:
        desk.wait_for_log("PAUSE")
        client.send(b + SYNC)
    assert paused[0][0] == 200 and desk.servers() == 0
    assert desk.post("/resume")[0] == 200
    assert client.read_until("Z").rows == [[b"b"]]
    assert client.value("select 'well'") == "well"


def test_pauses_under_load_are_noticed_by_no_client_5_7_118(desk, table):
    desk = desk(default_pool_size=3, workers=2)
    load = ["pgbench", "-n", "-M", "prepared", "-c", "6", "-j", "6", "-t", "400", "-f", "-", desk.pooler.url()]
    bench = subprocess.Popen(load, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    bench.stdin.write(f"begin;\ninsert into {table} values (1);\ncommit;\n")
    bench.stdin.close()
    pauses = 0
    while bench.poll() is None and pauses < 1000:
        assert desk.post("/pause")[0] == 200
        assert desk.servers() == 0
        assert desk.post("/resume")[0] == 200
        pauses += 1
    report = bench.stdout.read()
    assert bench.wait(60) == 0, report
    assert "processed: 2400/2400" in report
    assert pauses >= 3
    assert desk.pooler.server.sql(f"select count(*) from {table}", "app") == "2400\n"


def test_suspended_clients_and_new_ones_wait_for_resume_5_7_118(desk, connect):
    desk = desk()
    client = connect(desk.pooler)
    client.ask(query("begin; select 1"))
    with Wire.login(desk.pooler.port, "app", "secret", "ballast") as console:
        assert console.ask(query("SUSPEND")).tags == ["SUSPEND"]
        client.send(query("commit"))
        with in_background(lambda: connect(desk.pooler).value("select 2")) as late:
            assert desk.post("/pause")[0] == 409
            assert console.ask(query("RESUME")).tags == ["RESUME"]
    assert client.read_until("Z").tags == ["COMMIT"]
    assert late == ["2"]


# The end --------------------------------------------------------------------------------------------------------------


def test_signals_during_a_shutdown_change_nothing_5_7_118(desk, connect):
    desk = desk()
    client = connect(desk.pooler)
    client.ask(query("begin; select 1"))
    desk.signal(signal.SIGTERM)
    desk.wait_for_log("draining")
    for which in (signal.SIGUSR2, signal.SIGUSR1):
        seen = desk.pooler.log_text().count("pooler is shutting down")
        desk.signal(which)
        wait_until(lambda: desk.pooler.log_text().count("pooler is shutting down") > seen, "it is refused")
    assert desk.get("/ready") == 503
    assert client.ask(query("commit")).tags == ["COMMIT"]
    wait_until(lambda: desk.pooler.process.poll() is not None, "the process ends")
    assert desk.pooler.process.returncode == 0


def test_a_drain_by_http_is_that_of_sigterm(desk, connect):
    desk = desk()
    client = connect(desk.pooler)
    assert desk.get("/ready") == 200
    assert desk.post("/drain")[0] == 200
    assert client.closed_by_peer().sqlstates == ["57P01"]
    wait_until(lambda: desk.pooler.process.poll() is not None, "the process ends")
    assert desk.pooler.process.returncode == 0


# Warm-up and reload ---------------------------------------------------------------------------------------------------


def test_a_warm_up_connects_a_server_and_says_how_long_it_took(desk):
    desk = desk()
    assert desk.servers() == 0
    status, told = desk.post("/warmup")
    assert (status, told["status"]) == (200, "warm") and told["seconds"] > 0
    assert desk.servers() == 1
    assert desk.post("/warmup")[0] == 200
    assert desk.servers() == 1
    assert desk.post("/pause")[0] == 200
    assert desk.post("/warmup") == (409, {"error": "database app is paused", "detail": ""})


def test_a_reload_by_http_says_what_is_wrong(desk):
    desk = desk(http_token="s3cret")
    assert desk.post("/reload")[0] == 401
    assert desk.post("/reload", "s3cret")[0] == 200
    desk.pooler.config_file.write_text("default_pool_size = 'many'\n")
    status, told = desk.post("/reload", "s3cret")
    assert status == 422 and "default_pool_size" in told["error"]
