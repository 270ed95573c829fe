"""The simulator of Neon itself: what a client sees of it is what one sees of Neon.

The first eleven are the acceptance tests of its specification, in their order.
"""

import asyncio
import errno
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import ExitStack

import asyncpg
import psycopg
import pytest

from neon import ENDPOINT, ROLES, Neon, NeonPostgres, Refused
from processes import wait_until
from wire import Closed, LoginRefused, Wire, cancel_request, query, text

DISABLED = "The endpoint has been disabled. Enable it using Neon API and retry."
SLEEP = query("select pg_sleep(60)")


@pytest.fixture
def simulate(neon_server):
    """simulate(suspend_timeout_s=1, ...): a Neon with these knobs; without, one that never sleeps by itself."""
    with ExitStack() as stack:

        def simulated(**knobs) -> Neon:
            return stack.enter_context(Neon(neon_server, **{"suspend_timeout_s": 0} | knobs))

        yield simulated


@pytest.fixture
def log_in():
    """log_in(neon): a raw client with TLS and SNI that has logged in."""
    with ExitStack() as stack:

        def logged_in(neon, user="app", password="secret", **options) -> Wire:
            wire, startup = connect(neon, **options)
            stack.enter_context(wire)
            wire.startup(user=user, database="app", **startup)
            wire.authenticate(password)
            return wire

        yield logged_in


@pytest.fixture
def names(monkeypatch):
    """The simulator's names resolve, for drivers that have no `hostaddr`."""
    really = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        return really("127.0.0.1" if str(host).endswith(".localtest") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def connect(neon, direct=False, pooled=False, name=None, alpn="postgresql", **startup):
    """A client with TLS on, and its startup parameters."""
    wire = Wire(neon.port)
    name = neon.host(pooled) if name is None else name
    if not direct:
        wire.start_tls(context(neon), name)
        return wire, startup
    tls = context(neon)
    if alpn:
        tls.set_alpn_protocols([alpn])
    wire.socket = tls.wrap_socket(wire.socket, server_hostname=name)
    return wire, startup


def context(neon) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(neon.root_certificate))


def below_tls(client) -> socket.socket:
    """Its bare socket: Python's TLS takes every failure for an end of file."""
    bare = socket.socket(fileno=os.dup(client.socket.fileno()))
    bare.settimeout(60)
    return bare


def refusal(log_in, neon, **options) -> str:
    with pytest.raises(LoginRefused) as refused:
        log_in(neon, **options)
    assert refused.value.sqlstate == "XX000"
    return str(refused.value)


def psql(neon, *options, **parameters) -> subprocess.CompletedProcess:
    command = ["psql", "-XAtq", *options, neon.url(**parameters)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


# The eleven


def test_libpq_connects_with_verify_full_and_channel_binding(simulate):
    neon = simulate()
    done = psql(neon, "-c", "select current_user, current_database()")
    assert done.stdout == "app|app\n", done.stderr
    assert neon.state()["wakes"] == 1


@pytest.mark.parametrize("alpn", ["postgresql", None], ids=["alpn", "no_alpn"])
def test_direct_tls_needs_no_request(simulate, log_in, alpn):
    client = log_in(simulate(), direct=True, alpn=alpn)
    assert client.value("select 1") == "1"


def test_psycopg_connects_as_to_neon(simulate):
    with psycopg.connect(simulate().url()) as connection:
        assert connection.execute("select %s::int + 1", [41]).fetchone() == (42,)


@pytest.mark.parametrize("direct", [False, True], ids=["request", "direct"])
def test_asyncpg_connects_as_to_neon(simulate, names, direct):
    neon = simulate()

    async def run():
        connection = await asyncpg.connect(
            host=neon.host(),
            port=neon.port,
            user="app",
            password="secret",
            database="app",
            ssl=context(neon),
            direct_tls=direct,
        )
        assert await connection.fetchval("select $1::int + 1", 41) == 42
        await connection.close()

    asyncio.run(run())


def test_node_postgres_connects_as_to_neon(simulate, node_modules):
    neon = simulate()
    url = f"postgresql://app:secret@127.0.0.1:{neon.port}/app"
    root = neon.root_certificate.read_text()
    environment = os.environ | {"APP_URL": url, "APP_CA": root, "APP_HOST": neon.host()}
    command = ["node", "--test", "neon.test.mjs"]
    done = subprocess.run(command, cwd=node_modules, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_idle_client_is_told_of_the_suspend_a_pooled_one_is_not(simulate, log_in):
    neon = simulate(suspend_timeout_s=1)
    direct, pooled = log_in(neon), log_in(neon, pooled=True)
    assert direct.value("select 1") == pooled.value("select 1") == "1"
    told = direct.closed_by_peer()
    assert told.sqlstates == ["57P01"]
    assert told.error == "terminating connection due to administrator command"
    assert pooled.closed_by_peer() == []
    assert neon.wait_for_state("IDLE")["suspends"] == 1
    assert log_in(neon).value("select 1") == "1"
    assert neon.state()["wakes"] == 2


def test_a_transaction_that_idles_keeps_it_awake_until_it_is_ended(simulate, log_in):
    neon = simulate(suspend_timeout_s=0.5)
    client = log_in(neon, options="-c idle_in_transaction_session_timeout=2000")
    client.ask(query("begin; select 1"))
    assert client.closed_by_peer().sqlstates == ["25P03"]
    assert neon.wait_for_state("IDLE")["active_seconds"] >= 2


def test_a_statement_keeps_it_awake_a_keepalive_of_tcp_does_not(simulate, log_in):
    neon = simulate(suspend_timeout_s=3600)
    client = log_in(neon)
    for _ in range(6):
        assert client.value("select 1") == "1"
        neon.post("/clock", advance_s=1800)
    assert neon.state()["suspends"] == 0
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    neon.set(suspend_timeout_s=1803)  # of which three have to pass in earnest
    assert neon.wait_for_state("IDLE")["suspends"] == 1


def test_a_wrong_password_does_not_wake_it(simulate, log_in):
    neon = simulate()
    assert refusal(log_in, neon, password="wrong") == "password authentication failed for user 'app'"
    assert refusal(log_in, neon, user="nobody") == "password authentication failed for user 'nobody'"
    state = neon.state()
    assert (state["state"], state["wakes"], state["errors_by_row"]) == ("IDLE", 0, {"7": 2})


def test_many_cold_connects_at_a_time_are_more_than_it_has_permits_for(simulate):
    neon = simulate(wake_ms=1000, connect_ms=100)
    outcomes = []

    def once():
        wire, _ = connect(neon)
        with wire:
            wire.startup(user="app", database="app")
            try:
                wire.authenticate("secret")
                outcomes.append("in")
            except LoginRefused as refused:
                outcomes.append(str(refused))

    threads = [threading.Thread(target=once) for _ in range(150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [outcome for outcome in outcomes if outcome != "in"]
    assert set(refused) == {
        "Failed to acquire permit to connect to the database. "
        "Too many database connection attempts are currently ongoing."
    }
    state = neon.state()
    assert len(outcomes) == 150 and state["wakes"] == 1
    assert state["errors_by_row"] == {"33": len(refused)} and state["logins"] == 150 - len(refused)


def test_what_the_control_plane_said_is_repeated_for_a_while(simulate, log_in):
    neon = simulate()
    neon.post("/disable")
    assert refusal(log_in, neon) == DISABLED
    neon.post("/enable")
    assert refusal(log_in, neon) == DISABLED
    neon.post("/clock", advance_s=30)
    assert log_in(neon).value("select 1") == "1"


def test_startup_parameters_are_dropped_options_are_not(simulate, log_in):
    neon = simulate()
    client = log_in(neon, statement_timeout="1", DateStyle="German", application_name="me", client_encoding="LATIN1")
    assert client.value("show statement_timeout") == "0"
    assert client.value("show datestyle") == "ISO, MDY"
    assert client.value("show application_name") == "me"
    assert client.value("show client_encoding") == "UTF8"
    options = f"-c statement_timeout=7777 endpoint={ENDPOINT} neon_lsn:0/1"
    assert log_in(neon, options=options).value("show statement_timeout") == "7777ms"
    compatible = log_in(neon, statement_timeout="1234", options="neon_proxy_params_compat:true")
    assert compatible.value("show statement_timeout") == "1234ms"


@pytest.mark.parametrize("way", ["plain", "request", "direct"])
def test_a_cancel_request_finds_the_query(simulate, log_in, way):
    neon = simulate()
    client, other = log_in(neon), log_in(neon)
    client.send(SLEEP)
    running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
    wait_until(lambda: other.value(running) == "1", "the query runs")
    canceller = Wire(neon.port) if way == "plain" else connect(neon, direct=way == "direct")[0]
    with canceller:
        canceller.send(cancel_request(client.process, client.secret))
        canceller.closed_by_peer()
    assert client.read_until("Z").sqlstates == ["57014"]
    assert client.value("select pg_backend_pid()") != str(client.process)  # the keys given out are random


@pytest.mark.parametrize("direct, trips", [(False, 7), (True, 6)], ids=["request", "direct"])
def test_the_first_row_is_so_many_round_trips_away(simulate, log_in, direct, trips):
    neon = simulate(rtt_ms=50)
    log_in(neon)  # awake, and the role is known
    began = time.monotonic()
    assert log_in(neon, direct=direct).value("select 1") == "1"
    took = time.monotonic() - began
    assert took >= trips * 0.050
    assert took < 10 * trips * 0.050  # and no more than the machine's own slowness


# Login


def test_without_tls_nobody_gets_in(simulate):
    with Wire(simulate().port) as client:
        client.startup(user="app", database="app")
        error = client.read().fields
        assert error == {"S": "ERROR", "C": "XX000", "M": "connection is insecure (try using `sslmode=require`)"}
        assert client.closed_by_peer() == []


def test_a_foreign_protocol_over_tls_is_dropped(simulate):
    with pytest.raises(ssl.SSLError):
        connect(simulate(), direct=True, alpn="h2")


def test_the_endpoint_may_be_named_by_an_option_or_in_the_password(simulate, log_in):
    neon = simulate()
    assert log_in(neon, name="localhost", options=f"endpoint={ENDPOINT}").value("select 1") == "1"
    client, _ = connect(neon, name="localhost")
    with client:
        client.startup(user="app", database="app")
        assert client.read().body == struct.pack("!i", 3)  # AuthenticationCleartextPassword
        password = text(f"endpoint={ENDPOINT};secret")
        client.send(b"p" + struct.pack("!i", len(password) + 4) + password)
        assert client.read_until("ZE")[-1].kind == "Z"


def test_server_name_and_option_must_agree(simulate, log_in):
    told = refusal(log_in, simulate(), options="endpoint=ep-other-1")
    assert told == f"Inconsistent project name inferred from SNI ('{ENDPOINT}') and project option ('ep-other-1')."


def test_a_database_that_is_not_there_is_told_with_its_sqlstate_lost(simulate):
    done = psql(simulate(), "-c", "select 1", database="nowhere")
    assert 'ERROR:  database "nowhere" does not exist' in done.stderr


def test_a_newer_protocol_is_negotiated_down(simulate):
    client, _ = connect(simulate())
    with client:
        client.startup(3 << 16 | 2, user="app", database="app")
        assert client.read().kind == "v"
        client.authenticate("secret")
        assert client.value("select 1") == "1"


def test_a_pooled_name_takes_few_options(simulate, log_in):
    neon = simulate()
    told = refusal(log_in, neon, pooled=True, options="-c search_path=a")
    assert told.startswith("unsupported startup parameter in options: search_path. Please use unpooled connection")
    assert log_in(neon, pooled=True, options="-c TimeZone=UTC").value("select 1") == "1"


# Errors


@pytest.mark.parametrize("row, stage", [(15, "auth"), (19, "auth"), (26, "wake"), (31, "wake"), (36, "wake")])
def test_an_error_comes_at_its_stage(simulate, row, stage):
    neon = simulate(error_cache_s=0)
    neon.post("/inject", row=row, after_ms=0)
    client, _ = connect(neon)
    with client:
        client.startup(user="app", database="app")
        if stage == "wake":
            with pytest.raises(LoginRefused):
                client.authenticate("secret")
        else:
            assert client.read().kind == "E"
        assert client.closed_by_peer() == []
    assert neon.state()["errors_by_row"] == {str(row): 1}
    assert psql(neon, "-c", "select 1").stdout == "1\n"


def test_an_error_ends_sessions_that_are_there(simulate, log_in):
    neon = simulate()
    first, second = log_in(neon), log_in(neon)
    neon.post("/inject", row=48, count=1)
    assert first.closed_by_peer().error == "server conn crashed?"
    assert second.value("select 1") == "1"
    neon.post("/inject", row=46, count=-1)
    assert second.closed_by_peer() == []


def test_a_statement_gets_an_error_of_its_own(simulate, log_in):
    neon = simulate()
    client = log_in(neon)
    neon.post("/inject", row=54)
    assert client.ask(query("select 1")).sqlstates == ["08001"]
    assert client.value("select 1") == "1"


def test_a_quota_suspends_it_and_keeps_it_down(simulate, log_in):
    neon = simulate(error_cache_s=0)
    client = log_in(neon)
    assert neon.post("/quota", kind="transfer")["state"] == "IDLE"
    assert client.closed_by_peer().sqlstates == ["57P01"]
    assert "exceeded the data transfer quota" in refusal(log_in, neon)
    assert neon.post("/enable")["wakes"] == 1
    assert log_in(neon).value("select 1") == "1"


def test_severity_and_v_may_be_those_of_newer_proxies(simulate):
    neon = simulate(severity="FATAL", with_V=True)
    neon.post("/inject", row=26)
    assert "FATAL:  Your account or project has exceeded" in psql(neon, "-c", "select 1").stderr


# Going and coming


@pytest.mark.parametrize("mode, told", [("direct_57P01", ["57P01"]), ("eof", [])])
def test_a_suspend_ends_connections_in_the_way_it_is_told(simulate, log_in, mode, told):
    neon = simulate(suspend_mode=mode)
    client = log_in(neon)
    neon.post("/suspend")
    assert client.closed_by_peer().sqlstates == told


def test_a_black_hole_neither_answers_nor_acknowledges(simulate, log_in):
    neon = simulate(suspend_mode="blackhole")
    client = log_in(neon)
    neon.post("/suspend")
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)
    client.send(query("select 1"))
    with pytest.raises(OSError) as lost:
        below_tls(client).recv(1)
    assert lost.value.errno == errno.ETIMEDOUT  # TCP itself has given up
    assert log_in(neon).value("select 1") == "1"


@pytest.mark.parametrize("how, end", [("reset", ConnectionResetError), ("eof", None)])
def test_connections_can_be_killed_while_it_is_awake(simulate, log_in, how, end):
    neon = simulate()
    client = log_in(neon)
    neon.post("/kill", how=how)
    if end:
        with pytest.raises(end):
            below_tls(client).recv(1)
    else:
        assert client.closed_by_peer() == []
    assert neon.wait_for(lambda state: state["sessions"] == 0, "they are gone")["state"] == "ACTIVE"
    assert log_in(neon).value("select 1") == "1"


def test_a_crash_resets_all_and_the_next_login_wakes_it(simulate, log_in):
    neon = simulate()
    client = log_in(neon)
    assert neon.post("/crash")["state"] == "IDLE"
    with pytest.raises(Closed):
        client.read()
    assert log_in(neon).value("select 1") == "1"
    assert neon.state()["wakes"] == 2


@pytest.mark.parametrize("how, error", [("reset", ConnectionRefusedError), ("drop", TimeoutError)])
def test_the_listener_can_be_gone(simulate, log_in, how, error):
    neon = simulate()
    client = log_in(neon)
    neon.set(refuse=how)
    with pytest.raises(error):
        socket.create_connection(("127.0.0.1", neon.port), timeout=0.3)
    assert client.value("select 1") == "1"
    neon.set(refuse="off")
    assert log_in(neon).value("select 1") == "1"


def test_a_login_while_it_stops_is_refused_or_held(simulate, log_in):
    neon = simulate(stop_ms=1000, stopping_policy="refuse", stopping_refuse_p=1)
    log_in(neon)
    suspending = threading.Thread(target=neon.post, args=("/suspend",))
    suspending.start()
    neon.wait_for_state("STOPPING")
    assert refusal(log_in, neon) == "Control plane request failed"
    neon.set(stopping_policy="hold")
    assert log_in(neon).value("select 1") == "1"
    suspending.join()
    assert neon.state()["wakes"] == 2


def test_postgres_really_restarts_where_it_may(neon_server):
    with NeonPostgres() as server:
        server.sql(ROLES)
        with Neon(server, real=True, suspend_timeout_s=0) as neon:
            started = psql(neon, "-c", "select pg_postmaster_start_time()").stdout
            with psycopg.connect(neon.url(), autocommit=True) as connection:
                neon.post("/suspend")
                with pytest.raises(psycopg.OperationalError, match="administrator command"):
                    connection.execute("select 1")
            again = psql(neon, "-c", "select pg_postmaster_start_time()")
            assert again.stdout and again.stdout != started, again.stderr


# Time and money


def test_an_hour_awake_costs_what_neon_charges(simulate, log_in):
    neon = simulate()
    log_in(neon)
    neon.post("/clock", advance_s=3600)
    state = neon.state()
    assert 3600 <= state["active_seconds"] < 3600 + 60
    assert state["cu_hours"] == pytest.approx(state["active_seconds"] / 3600 * 0.25)
    assert state["cost_usd"] == pytest.approx(state["cu_hours"] * 0.106)


def test_nothing_is_paid_for_while_it_sleeps(simulate, log_in):
    neon = simulate()
    log_in(neon)
    asleep = neon.post("/suspend")
    neon.post("/clock", advance_s=3600)
    assert neon.state()["active_seconds"] == asleep["active_seconds"]


def test_time_can_run_faster(simulate, log_in):
    neon = simulate(suspend_timeout_s=300)
    log_in(neon)
    neon.post("/clock", scale=1000)
    state = neon.wait_for_state("IDLE")
    assert 300 <= state["active_seconds"]
    neon.post("/mark", label="slept")
    assert neon.state()["marks"][0]["label"] == "slept"


def test_statistics_of_other_sessions_count_as_activity(simulate, log_in):
    neon = simulate(suspend_timeout_s=3600, count_statistics=True)
    client = log_in(neon)
    neon.wait_for(lambda state: state["polls"] > 0, "the monitor has looked")
    before = neon.post("/clock", advance_s=1000)["last_active"]
    log_in(neon).socket.close()  # a new backend, whose end PostgreSQL tells at once
    neon.wait_for(lambda state: state["last_active"] >= before + 1000, "it was noticed")
    assert client.value("select 1") == "1"


# The network


def test_an_answer_is_one_round_trip_away_however_many_statements_it_is_for(simulate, log_in):
    neon = simulate()
    client = log_in(neon)
    neon.set(rtt_ms=100)
    began = time.monotonic()
    client.ask(*[query("select 1")] * 20, ready=20)
    took = time.monotonic() - began
    assert 0.1 <= took < 20 * 0.1
    neon.set(rtt_ms=0)
    assert client.value("select 1") == "1"


def test_a_megabyte_arrives_whole_over_a_slow_line(simulate, log_in):
    neon = simulate()
    client = log_in(neon)
    neon.set(rtt_ms=20, jitter_ms=5, bandwidth=10_000_000)
    assert client.value("select repeat('x', 1000000)") == "x" * 1_000_000


def test_a_forgotten_connection_is_reset_when_it_is_used(simulate, log_in):
    neon = simulate(nlb_idle_s=350)
    client = log_in(neon)
    assert client.value("select 1") == "1"
    neon.post("/clock", advance_s=351)
    client.send(query("select 1"))
    with pytest.raises((Closed, ConnectionResetError)):
        client.read()


def test_unknown_knobs_and_paths_are_refused(simulate):
    neon = simulate()
    with pytest.raises(Refused, match="there is no knob"):
        neon.set(no_such=1)
    with pytest.raises(Refused, match="there is no POST"):
        neon.post("/nowhere")
    with pytest.raises(Refused, match="there is no such row"):
        neon.post("/inject", row=999)


def test_thirty_suspends_under_load_lose_no_login(simulate):
    """Whoever retries when it is told that the session has ended is served, in every life of the compute."""
    neon = simulate(stop_ms="0..30", wake_ms="0..30", connect_ms="0..5")
    served, stop, wrong = [0] * 8, threading.Event(), []

    def worker(number):
        while not stop.is_set():
            try:
                with psycopg.connect(neon.url(), autocommit=True) as connection:
                    while not stop.is_set():
                        assert connection.execute("select 1").fetchone() == (1,)
                        served[number] += 1
            except psycopg.OperationalError as lost:
                if "connection to server" in str(lost):  # a login, which should have been held
                    wrong.append(str(lost))

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(len(served))]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(served) > 0, "it is awake")
    for turn in range(30):
        neon.set(suspend_mode=("direct_57P01", "eof")[turn % 2])
        before = sum(served)
        neon.post("/restart")
        wait_until(lambda: sum(served) > before, "somebody is served")
    stop.set()
    for thread in threads:
        thread.join()
    state = neon.state()
    assert wrong == []
    assert (state["suspends"], state["wakes"]) == (30, 31)
