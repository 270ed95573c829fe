"""What operators and Prometheus ask over HTTP."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from subprocess import run

import pytest

from lamp import Lamp
from processes import free_port, wait_until
from wire import query

POOL = 'database="app",user="app"'


class Desk:
    """Asks a pooler over HTTP: desk.get(path) -> (status, body)."""

    def __init__(self, port: int):
        self.port = port

    def get(self, path, token="", method="GET", **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path):
        return json.loads(self.get(path)[1])

    def metrics(self):
        return samples(self.get("/metrics")[1])


@pytest.fixture
def ask(start):
    """ask(pooler's settings): a Ballast with HTTP, and a function that asks it: path -> (status, body)."""

    def begin(**settings):
        desk = Desk(free_port())
        return start(http_port=desk.port, **settings), desk.get

    return begin


@pytest.fixture
def open_desk(start):
    """open_desk(pooler's settings): a Ballast with HTTP, and a Desk."""

    def begin(options: dict = {}, **settings):
        desk = Desk(free_port())
        return start(options, http_port=desk.port, **settings), desk

    return begin


@pytest.fixture
def neon_desk(neon_server):
    """A Neon that sleeps when it is told to, a Ballast before it, and a Desk."""
    desk = Desk(free_port())
    with Lamp(neon_server, {"stop_ms": 100, "wake_ms": 150}, {"http_port": desk.port}) as lamp:
        yield lamp, desk


def samples(text):
    """The exposition's samples: name with labels -> value. Fails for what is none."""
    found, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types
            types[name] = kind
        elif not line.startswith("#"):
            sample = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? ([-+0-9.eInf]+)', line)
            assert sample, line
            name = re.sub("_(bucket|sum|count)$", "", sample[1]) if sample[1] not in types else sample[1]
            assert name in types, line
            assert (types[name] == "counter") == name.endswith("_total"), line
            key = sample[1] + (sample[2] or "")
            assert key not in found
            found[key] = float(sample[3])
    return found


def test_prometheus_sees_what_clients_have_done(ask, connect):
    pooler, get = ask(workers=2)
    clients = [connect(pooler) for _ in range(4)]
    for client in clients:
        assert client.value("select 1") == "1"
    status, text = get("/metrics")
    assert status == 200
    found = samples(text)
    assert found[f"ballast_request_seconds_count{{{POOL}}}"] >= 4
    assert found[f"ballast_transaction_seconds_count{{{POOL}}}"] >= 4
    assert found[f'ballast_clients{{{POOL},state="idle"}}'] == 4
    assert found[f'ballast_servers{{{POOL},state="idle"}}'] >= 1
    assert found["ballast_client_connections"] == 4
    assert found['ballast_upstream_state{state="awake"}'] == 1
    assert found[f"ballast_transactions_total{{{POOL}}}"] == found[f"ballast_queries_total{{{POOL}}}"] == 4
    assert found[f"ballast_received_bytes_total{{{POOL}}}"] == 4 * len(query("select 1"))
    assert found[f"ballast_sent_bytes_total{{{POOL}}}"] > 4 * len(query("select 1"))
    assert found[f"ballast_server_assignments_total{{{POOL}}}"] >= 4


def test_promtool_finds_nothing_wrong_with_the_metrics(ask, connect):
    pooler, get = ask()
    connect(pooler).value("select 1")
    checked = run(["promtool", "check", "metrics"], input=get("/metrics")[1], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_connects_are_timed_phase_by_phase_and_certificates_have_an_end(open_desk, connect, tls_settings):
    pooler, desk = open_desk(**tls_settings)
    connect(pooler).value("select 1")
    found = desk.metrics()
    connected = found['ballast_server_connects_total{result="connected"}']
    assert found["ballast_client_login_seconds_count"] == 1 and found["ballast_client_login_seconds_sum"] > 0
    for phase in ("connect", "tls", "login"):
        assert found[f"ballast_server_{phase}_seconds_count"] == connected >= 1
        assert found[f"ballast_server_{phase}_seconds_sum"] > 0
    for whose in ("server", "own"):
        assert found[f'ballast_certificate_expiry_timestamp_seconds{{certificate="{whose}"}}'] > time.time()


def test_errors_are_counted_by_class_and_by_who_made_them(open_desk, connect):
    pooler, desk = open_desk(default_pool_size=1, max_queue=1)
    client = connect(pooler)
    client.ask(query("select 1 / 0"))
    client.ask(query("select * from nothing_of_that_name"))
    held, waiting, surplus = connect(pooler), connect(pooler), connect(pooler)
    held.ask(query("begin; select 1"))
    waiting.send(query("select 1"))
    wait_until(lambda: desk.metrics()[f'ballast_clients{{{POOL},state="waiting"}}'] == 1, "one waits")
    surplus.send(query("select 1"))
    wait_until(lambda: desk.metrics()['ballast_shed_total{reason="max_queue"}'] == 1, "one is refused")
    found = desk.metrics()
    assert found['ballast_errors_total{sqlstate_class="22",source="server"}'] == 1
    assert found['ballast_errors_total{sqlstate_class="42",source="server"}'] == 1
    assert found['ballast_errors_total{sqlstate_class="53",source="ballast"}'] == 1
    assert found['ballast_errors_total{sqlstate_class="53",source="server"}'] == 0


def test_health_is_told_to_everybody_and_the_rest_to_who_knows_the_token(ask):
    _, get = ask(http_token="s3cret")
    assert get("/live")[0] == get("/health")[0] == get("/ready")[0] == get("/")[0] == get("/openapi.json")[0] == 200
    for path in ("/metrics", "/health/db", "/stats", "/stats/history"):
        assert get(path)[0] == get(path, "wrong")[0] == 401
        assert get(path, "s3cret")[0] == 200
    assert json.loads(get("/health/db", "s3cret")[1])["state"] == "unknown"


def test_ballast_health_says_whether_the_ballast_of_the_same_settings_takes_clients(ask):
    pooler, _ = ask(http_addr="0.0.0.0", http_token="s3cret")
    command = [pooler.program, "health", "--config", pooler.config_file]
    told = run(command, env=pooler.environment(), capture_output=True, text=True)
    assert (told.returncode, told.stdout, told.stderr) == (0, "ready\n", "")
    elsewhere = command + ["--http-port", str(free_port())]
    told = run(elsewhere, env=pooler.environment(), capture_output=True, text=True)
    assert told.returncode == 1
    assert "nobody answers at 127.0.0.1 port" in told.stderr


def test_ballast_health_fails_while_transactions_of_before_the_end_still_run(ask, connect):
    pooler, _ = ask()
    client = connect(pooler)
    client.ask(query("begin; select 1"))
    pooler.process.terminate()
    command = [pooler.program, "health", "--config", pooler.config_file]

    def unready():
        return run(command, env=pooler.environment(), capture_output=True, text=True).stderr

    assert "status 503" in wait_until(unready, "it is told that Ballast drains")
    client.ask(query("commit"))
    assert pooler.process.wait(60) == 0


def test_what_is_no_request_is_refused_and_the_next_is_answered(ask):
    _, get = ask()
    assert get("/nothing")[0] == 404
    assert get("/metrics", method="DELETE")[0] == 405
    assert get("/live?" + "x" * 9000)[0] == 413
    assert get("/live") == (200, "live\n")


def test_the_document_describes_what_is_there_and_nothing_else(open_desk):
    _, desk = open_desk()
    document = desk.json("/openapi.json")
    assert document["openapi"].startswith("3.0")
    told = desk.get("/nothing")[1].split(":")[1].split()
    assert sorted(document["paths"]) == sorted(set(told))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["operationId"] and operation["responses"], path
            if method == "get":
                assert str(desk.get(path)[0]) in operation["responses"], path


def test_statistics_and_history_agree_with_the_metrics(open_desk, connect):
    pooler, desk = open_desk(workers=2)
    client = connect(pooler)
    for _ in range(5):
        client.value("select 1")
    stats = desk.json("/stats")
    (pool,) = stats["pools"]
    assert (pool["database"], pool["user"]) == ("app", "app")
    assert pool["clients"] == {"active": 0, "idle": 1, "waiting": 0}
    assert pool["totals"]["queries"] == desk.metrics()[f"ballast_queries_total{{{POOL}}}"] == 5
    assert pool["last_minute"]["request"]["count"] == 5
    assert 0 < pool["last_minute"]["request"]["p50_ms"] <= pool["last_minute"]["request"]["p99_ms"]
    assert stats["upstream"]["state"] == "awake"
    assert len(stats["workers"]) == 2
    wait_until(lambda: len(desk.json("/stats/history")["at_s"]) >= 2, "a second point")
    history = desk.json("/stats/history")
    assert len({len(column) for name, column in history.items() if name != "interval_s"}) == 1


# The database's health


def test_the_database_is_asked_over_an_idle_server_which_counts_as_no_query(open_desk, connect):
    pooler, desk = open_desk()
    client = connect(pooler)
    client.value("select 1")
    before = desk.json("/stats")["pools"][0]["totals"]
    lines = pooler.log_text().count("\n")
    for _ in range(3):
        status, body = desk.get("/health/db")
        found = json.loads(body)
        assert (status, found["asked"], found["answered"], found["state"]) == (200, True, True, "awake")
    assert desk.json("/stats")["pools"][0]["totals"] == before
    assert pooler.log_text().count("\n") == lines


def test_a_database_that_is_silent_is_told_within_two_seconds(open_desk, connect, server):
    pooler, desk = open_desk()
    client = connect(pooler)
    backend = int(client.value("select pg_backend_pid()"))
    os.kill(backend, signal.SIGSTOP)
    try:
        began = time.monotonic()
        status, body = desk.get("/health/db")
        took_s = time.monotonic() - began
    finally:
        os.kill(backend, signal.SIGCONT)
    assert status == 503
    assert (json.loads(body)["asked"], json.loads(body)["answered"]) == (True, False)
    assert json.loads(body)["took_ms"] < 2000, took_s


def test_a_database_that_sleeps_is_left_asleep_unless_somebody_insists(neon_desk):
    lamp, desk = neon_desk
    lamp.client().value("select 1")
    lamp.neon.post("/suspend")
    wait_until(lambda: desk.json("/health/db")["state"] == "asleep", "Ballast knows that it sleeps")
    for _ in range(5):
        status, body = desk.get("/health/db")
        assert (status, json.loads(body)["asked"]) == (200, False)
    for path in ("/", "/metrics", "/stats", "/health", "/ready"):
        assert desk.get(path)[0] == 200
    assert lamp.neon.state()["wakes"] == 1
    woken = desk.json("/health/db?wake=1")
    assert (woken["state"], woken["asked"], woken["answered"]) == ("awake", True, True)
    assert lamp.neon.state()["wakes"] == 2
    assert desk.metrics()["ballast_wakes_total"] == desk.metrics()["ballast_wake_seconds_count"] == 1


def test_a_database_that_can_not_be_reached_is_told_with_its_error(open_desk, server, tmp_path):
    nobody = socket.create_server(("127.0.0.1", 0))
    url = f"postgresql://app:secret@127.0.0.1:{nobody.getsockname()[1]}/app?sslmode=disable"
    nobody.close()
    _, desk = open_desk(options={"upstream": url})
    status, body = desk.get("/health/db?wake=1")
    found = json.loads(body)
    assert (status, found["state"], found["asked"]) == (503, "down", False)
    assert "Connection refused" in found["last_error"]["message"]
    assert "secret" not in body


def test_a_name_that_has_been_made_to_lead_here_reads_nothing(open_desk):
    """[DNS rebinding] A page of evil.example asks its own name, which leads to this machine by now."""
    pooler, desk = open_desk()
    port = desk.port
    for host in (f"evil.example:{port}", "evil.example", f"127.0.0.1.evil.example:{port}"):
        status, told = desk.get("/stats", Host=host)
        assert status == 421 and "http_token" in told
        assert desk.get("/pause", method="POST", Host=host)[0] == 421
        assert desk.get("/live", Host=host)[0] == 200
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "ballast.localhost", f"[::1]:{port}"):
        assert desk.get("/stats", Host=host)[0] == 200
    pooler.settings["http_token"] = "s3cret"
    pooler.configure()
    pooler.process.send_signal(signal.SIGHUP)
    wait_until(lambda: desk.get("/stats")[0] == 401, "the token is wanted")
    assert desk.get("/stats", token="s3cret", Host="evil.example")[0] == 200


# Scrapes beside clients


def test_a_scrape_does_not_keep_clients_waiting_and_probes_are_neither_counted_nor_logged(open_desk, connect):
    """[5.7-123] While scrapes are under way, and one of them does not read its answer, clients are served."""
    pooler, desk = open_desk()
    client = connect(pooler)
    client.value("select 1")
    accepted = desk.metrics()["ballast_clients_accepted_total"]
    lines = pooler.log_text().count("\n")
    deaf = [socket.create_connection(("127.0.0.1", desk.port)) for _ in range(10)]
    for one in deaf:
        one.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)  # and never read
    half = socket.create_connection(("127.0.0.1", desk.port))
    half.send(b"GET /metr")
    for _ in range(50):
        assert client.value("select 1") == "1"
        assert desk.get("/live")[0] == 200
    found = desk.metrics()
    assert found["ballast_clients_accepted_total"] == accepted
    assert found["ballast_client_connections"] == 1
    assert found[f"ballast_queries_total{{{POOL}}}"] == 51
    assert pooler.log_text().count("\n") == lines
    for one in (*deaf, half):
        one.close()
