"""Restart without loss: a new process takes the place of the one that serves; or systemd holds the sockets."""

import signal
import socket
import subprocess
import threading
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest

import processes
from poolers import Ballast
from processes import free_port, wait_until
from wire import Wire, cancel, query


class Relay:
    """A Ballast and those that have taken its place, one after the other."""

    def __init__(self, pooler: Ballast):
        self.pooler = pooler
        self.runners = [pooler.process]

    def begin(self) -> subprocess.Popen:
        command = [*self.pooler.command(), "--replace"]
        log = self.pooler.folder / f"log-{len(self.runners)}"
        runner = processes.spawn(command, log, env=self.pooler.environment())
        self.runners.append(runner)
        return runner

    def log(self, number: int = -1) -> str:
        number %= len(self.runners)
        path = self.pooler.folder / f"log-{number}" if number else self.pooler.log
        return path.read_text()

    def replace(self) -> subprocess.Popen:
        runner = self.begin()
        words = "the process that served here leaves"
        wait_until(lambda: words in self.log() or runner.poll() is not None, "it serves")
        assert runner.poll() is None, self.log()
        return runner

    def stop(self):
        for runner in self.runners[1:]:
            if runner.poll() is None:
                processes.stop(runner)


@pytest.fixture
def relay(start):
    with ExitStack() as stack:

        def begin(**settings) -> Relay:
            begun = Relay(start(**settings))
            stack.callback(begun.stop)
            return begun

        yield begin


def has_ended(process: subprocess.Popen) -> int:
    return wait_until(lambda: process.poll() is not None and [process.returncode], "the process has ended")[0]


def is_open(port: int) -> bool:
    return processes.accepts(port)


# Replace --------------------------------------------------------------------------------------------------------------


def test_no_connection_is_refused_by_several_replaces_in_a_row_5_7_121(relay, server):
    relay = relay(default_pool_size=3, log_connections=0, log_disconnections=0)
    load = ["pgbench", "-n", "-C", "-c", "4", "-j", "2", "-t", "250", "-f", "-", relay.pooler.url()]
    bench = subprocess.Popen(load, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    bench.stdin.write("select 1;\n")
    bench.stdin.close()
    replaces = 0
    while bench.poll() is None and replaces < 100:
        former = relay.runners[-1]
        relay.replace()
        assert has_ended(former) == 0
        replaces += 1
    report = bench.stdout.read()
    assert bench.wait(60) == 0, report
    assert "processed: 1000/1000" in report
    assert replaces >= 3


def test_descriptors_do_not_leak_from_one_to_the_next_5_7_121(relay, connect):
    relay = relay(http_port=free_port(), unix_socket_dir="/tmp")
    counts = []
    for _ in range(4):
        former = relay.runners[-1]
        runner = relay.replace()
        assert has_ended(former) == 0
        with connect(relay.pooler) as client:
            assert client.value("select 1") == "1"
        counts.append(len(list(Path(f"/proc/{runner.pid}/fd").iterdir())))
        assert Path(f"/tmp/.s.PGSQL.{relay.pooler.port}").is_socket()
    assert counts[-1] <= counts[0] + 1, counts  # a server more or less
    processes.stop(relay.runners[-1])
    assert not Path(f"/tmp/.s.PGSQL.{relay.pooler.port}").exists()


def test_clients_of_the_old_process_go_on_until_they_leave_with_tls_or_without_5_7_121(
    relay, connect, tls_settings, tls_context
):
    relay = relay(**tls_settings)
    plain = connect(relay.pooler)
    plain.ask(query("begin; set local work_mem = '123kB'"))
    with Wire.login(relay.pooler.port, "app", "secret", "app", tls=tls_context) as secured:
        old = relay.runners[0]
        relay.replace()
        assert secured.value("select 'on the old one'") == "on the old one"
        assert plain.value("show work_mem") == "123kB"
        assert plain.ask(query("commit")).tags == ["COMMIT"]
        with Wire.login(relay.pooler.port, "app", "secret", "app", tls=tls_context) as late:
            assert late.value("select 'on the new one'") == "on the new one"
        assert old.poll() is None
    plain.socket.close()
    assert has_ended(old) == 0


def test_clients_that_stay_are_told_to_go_after_shutdown_timeout(relay, connect):
    relay = relay(shutdown_timeout=0.3)
    client = connect(relay.pooler)
    assert client.value("select 1") == "1"
    relay.replace()
    assert client.closed_by_peer().sqlstates == ["57P01"]
    assert has_ended(relay.runners[0]) == 0


def test_sigterm_makes_the_old_process_tell_its_clients_at_once(relay, connect):
    relay = relay()
    client = connect(relay.pooler)
    relay.replace()
    relay.runners[0].send_signal(signal.SIGTERM)
    assert client.closed_by_peer().sqlstates == ["57P01"]
    assert has_ended(relay.runners[0]) == 0


def test_a_cancel_reaches_the_process_that_has_the_client_5_7_121(relay, connect):
    relay = relay(workers=2)
    client = connect(relay.pooler)
    relay.replace()
    relay.replace()
    client.send(query("select pg_sleep(1000)"))
    canceller = threading.Thread(target=cancel, args=(relay.pooler.port, client.process, client.secret))

    running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(1000)' and state = 'active'"
    wait_until(lambda: relay.pooler.server.sql(running) == "1\n", "the query runs")
    canceller.start()
    assert client.read_until("Z").sqlstates == ["57014"]
    canceller.join(20)
    assert not canceller.is_alive()


def test_if_the_new_process_does_not_start_the_old_one_goes_on(relay, connect):
    relay = relay(http_port=free_port())
    client = connect(relay.pooler)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        relay.pooler.settings["http_port"] = taken.getsockname()[1]
        relay.pooler.configure()
        assert has_ended(relay.begin()) == 2
    assert "in use" in relay.log()
    assert client.value("select 1") == "1"
    with connect(relay.pooler) as late:
        assert late.value("select 1") == "1"
    relay.pooler.settings["http_port"] = free_port()
    relay.pooler.configure()
    relay.replace()
    with connect(relay.pooler) as late:
        assert late.value("select 1") == "1"


def test_http_is_answered_by_the_new_process(relay):
    port = free_port()
    relay = relay(http_port=port)
    relay.replace()
    assert has_ended(relay.runners[0]) == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=60) as answer:
        assert answer.status == 200


def test_where_nobody_serves_it_just_starts(relay, connect):
    relay = relay()
    processes.stop(relay.runners[0])
    relay.begin()
    wait_until(lambda: is_open(relay.pooler.port), "it listens")
    with connect(relay.pooler) as client:
        assert client.value("select 1") == "1"


def test_many_may_listen_with_so_reuseport_only(start, connect):
    pooler = start(so_reuseport="on")
    other = processes.spawn(pooler.command(), pooler.folder / "other", env=pooler.environment())
    try:
        wait_until(lambda: "listening on" in (pooler.folder / "other").read_text(), "the other listens too")
    finally:
        processes.stop(other)
    exclusive = start()
    done = subprocess.run(exclusive.command(), env=exclusive.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "in use" in done.stderr


def catches(process: subprocess.Popen, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_reload_that_is_asked_for_during_the_start_is_done_after_it(relay):
    relay = relay()
    relay.pooler.process.send_signal(signal.SIGSTOP)  # who takes its place waits for its sockets
    try:
        runner = relay.begin()
        wait_until(lambda: catches(runner, signal.SIGHUP), "the signal would not end it")
        runner.send_signal(signal.SIGHUP)
    finally:
        relay.pooler.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "were read again" in relay.log(), "it has read its settings again")
    assert runner.poll() is None


# systemd --------------------------------------------------------------------------------------------------------------


def test_systemd_may_open_the_sockets(server, tmp_path):
    pooler = Ballast(server, {"app": "secret"}, {"http_port": free_port()})
    pooler.port = free_port()  # which it does not use
    pooler.configure()
    # bash has file descriptors of two digits in redirections, and its own process id
    script = f'export LISTEN_PID=$$; exec {pooler.program} --config {pooler.config_file} 3<&"$CLIENTS" 4<&"$HTTP"'
    with socket.create_server(("127.0.0.1", 0)) as clients, socket.create_server(("127.0.0.1", 0)) as http:
        environment = pooler.environment() | {"CLIENTS": str(clients.fileno()), "HTTP": str(http.fileno())}
        environment |= {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "clients:http"}
        pooler.process = processes.spawn(
            ["bash", "-c", script], pooler.log, env=environment, pass_fds=(clients.fileno(), http.fileno())
        )
        try:
            port = clients.getsockname()[1]
            with Wire.login(port, "app", "secret", "app") as client:
                assert client.value("select 1") == "1"
            with urllib.request.urlopen(f"http://127.0.0.1:{http.getsockname()[1]}/live", timeout=60) as answer:
                assert answer.status == 200
            assert not is_open(pooler.port)
        finally:
            pooler.__exit__()


def test_systemd_is_told_when_it_is_ready_reloads_and_ends(start, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        pooler = start()
        told: list[str] = []

        def is_told(words: str):
            while not told or not told[-1].startswith(words):
                told.append(manager.recv(1000).decode())

        is_told("READY=1")
        is_told("WATCHDOG=1")
        pooler.reload()
        is_told("RELOADING=1\nMONOTONIC_USEC=")
        is_told("READY=1")
        with psycopg2.connect(pooler.url()):
            is_told("STATUS=serving 1 clients")
        pooler.process.send_signal(signal.SIGTERM)
        is_told("STOPPING=1")
        assert has_ended(pooler.process) == 0
        assert "STATUS=serving 0 clients" in told
