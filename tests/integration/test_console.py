"""The admin console: PgBouncer's commands and tables, by psql, drivers of both protocols, and Debian's exporter."""

import asyncio
import os
import re
import select
import subprocess
import tempfile
import threading
import urllib.request
from decimal import Decimal
from urllib.parse import quote

import asyncpg
import psycopg
import psycopg2
import pytest
from psycopg.rows import dict_row

from processes import free_port, spawn, stop, wait_until
from wire import SYNC, LoginRefused, Wire, bind, cancel, execute, parse, query

OURS = ["latency", "pins", "prepared", "settings", "upstream"]
PGBOUNCERS = [
    "active_sockets", "clients", "config", "databases", "dns_hosts", "dns_zones", "fds", "lists", "mem", "peer_pools",
    "peers", "pools", "servers", "sockets", "state", "stats", "stats_averages", "stats_totals", "totals", "users",
    "version",
]

CHANGES = [
    "PAUSE", "RESUME", "DISABLE app", "ENABLE app", "KILL", "RECONNECT", "RELOAD", "SUSPEND", "WAIT_CLOSE", "SHUTDOWN",
    "SHUTDOWN WAIT_FOR_CLIENTS", "SET log_level = debug",
]


class Desk:
    """A Ballast of the test's own; `app` may do everything on its console, `other` may look."""

    def __init__(self, pooler):
        self.pooler = pooler

    def psql(self, *commands: str, user="app", database="ballast") -> str:
        """What psql prints: rows, tags, errors."""
        asked = [part for command in commands for part in ("-c", command)]
        url = self.pooler.url(user=user, database=database)
        done = subprocess.run(["psql", "-XAt", *asked, url], capture_output=True, text=True, timeout=60)
        return (done.stdout + done.stderr).strip()

    def connect(self, user="app", database="pgbouncer"):
        connection = psycopg2.connect(self.pooler.url(user=user, database=database, application_name="a_test"))
        connection.autocommit = True
        return connection

    def rows(self, show: str, user="app") -> list[dict]:
        connection = self.connect(user)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW {show}")
                names = [column.name for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]
        finally:
            connection.close()

    def row(self, show: str, **where) -> dict:
        found = [row for row in self.rows(show) if where.items() <= row.items()]
        assert len(found) == 1, (show, where, found)
        return found[0]

    def client(self, user="app") -> Wire:
        return Wire.login(self.pooler.port, user, self.pooler.accounts[user], "app", application_name="worker")

    def console(self, user="app") -> Wire:
        return Wire.login(self.pooler.port, user, self.pooler.accounts[user], "ballast", application_name="a_test")


@pytest.fixture
def desk(start):
    def begin(**settings) -> Desk:
        return Desk(start(**({"admin_users": "app", "stats_users": "other", "workers": 2} | settings)))

    return begin


# Tables --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["ballast", "pgbouncer"])
def test_psql_sees_every_table_under_both_names(desk, database):
    desk = desk()
    for show in PGBOUNCERS + OURS:
        printed = desk.psql(f"SHOW {show}", database=database)
        assert "ERROR" not in printed and "FATAL" not in printed, (show, printed)
    assert "Console usage" in desk.psql("SHOW HELP", database=database)
    assert desk.psql("show version;").startswith("Ballast ")


def test_psql_gives_several_commands_at_once(desk):
    desk = desk()
    assert desk.psql("SHOW STATE; SHOW STATE") .count("active|yes") == 2
    assert desk.psql("SHOW STATE; nonsense; SHOW STATE").count("active|yes") == 1
    assert "invalid command 'nonsense', use SHOW HELP;" in desk.psql("nonsense")


def test_clients_and_servers_of_all_workers_are_seen_with_what_joins_them(desk):
    desk = desk(default_pool_size=4)
    clients = [desk.client() for _ in range(4)]
    for client in clients[:2]:
        client.ask(query("begin; select 1"))
    shown = [row for row in desk.rows("CLIENTS") if row["database"] == "app"]
    assert len(shown) == 4 and len({row["id"] for row in shown}) == 4
    active = [row for row in shown if row["state"] == "active"]
    assert len(active) == 2 and [row["state"] for row in shown].count("idle") == 2
    servers = {row["ptr"]: row for row in desk.rows("SERVERS")}
    for row in active:
        server = servers[row["link"]]
        assert server["link"] == row["ptr"]
        assert server["application_name"] == row["application_name"] == "worker"
        assert server["port"] == desk.pooler.server.port and server["tls"].startswith("TLSv1.")
        assert row["addr"] == "127.0.0.1" and row["local_port"] == desk.pooler.port and row["tls"] == ""
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", row["connect_time"])
    consoles = [row for row in desk.rows("CLIENTS") if row["database"] == "pgbouncer"]
    assert len(consoles) == 1 and consoles[0]["application_name"] == "a_test"
    pool = desk.row("POOLS", database="app", user="app")
    assert (pool["cl_active"], pool["sv_active"], pool["cl_waiting"]) == (4, 2, 0)
    assert {row["user"] for row in desk.rows("SOCKETS")} == {"app"}
    assert len(desk.rows("ACTIVE_SOCKETS")) == 2 + 2 + 1  # the console itself
    assert all(row["fd"] > 2 for row in desk.rows("FDS"))


def test_the_connection_that_listens_for_all_is_a_server_of_their_pool(desk):
    desk = desk(workers=1)
    clients = [desk.client() for _ in range(2)]
    for client in clients:
        assert client.ask(query("listen news")).tags == ["LISTEN"]
    wait_until(lambda: _in_state(desk, "listening"), "one connection listens for both")
    (shared,) = _in_state(desk, "listening")
    assert (shared["database"], shared["user"], shared["link"]) == ("app", "app", "")
    for show in ("SOCKETS", "ACTIVE_SOCKETS"):
        assert desk.row(show, state="sv_listening")["id"] == shared["id"]
    wait_until(lambda: not _in_state(desk, "active") and not _in_state(desk, "tested"), "their own servers are free")
    pool = desk.row("POOLS", database="app")
    assert (pool["cl_active"], pool["sv_active"], pool["sv_idle"]) == (2, 1, len(_in_state(desk, "idle")))
    count = len(desk.rows("SERVERS"))
    assert [row["task"] for row in desk.rows("FDS")].count("server") == count
    assert desk.row("DATABASES", name="app")["current_connections"] == count
    assert desk.row("LISTS", list="used_servers")["items"] == count


def test_the_sockets_that_clients_come_to_are_seen(desk):
    desk = desk(listen_addr="127.0.0.1,::1", unix_socket_dir=tempfile.gettempdir())
    doors = [row for row in desk.rows("FDS") if row["task"] == "pooler"]
    where = sorted((row["addr"], row["port"]) for row in doors)
    assert where == [("127.0.0.1", desk.pooler.port), ("::1", desk.pooler.port), ("unix", 0)]
    for row in doors:
        assert os.readlink(f"/proc/{desk.pooler.pid}/fd/{row['fd']}").startswith("socket:")
        assert row["user"] is None and row["database"] is None


@pytest.mark.parametrize(("asked", "kind"), [("database", "logical"), ("true", "physical")])
def test_a_replication_connection_and_its_server_count_to_their_pool(desk, asked, kind):
    desk = desk()
    desk.pooler.server.sql("alter role app replication")
    try:
        walsender = Wire.login(desk.pooler.port, "app", "secret", "app", replication=asked)
        assert walsender.ask(query("IDENTIFY_SYSTEM")).types == "TDCZ"
        (server,) = _in_state(desk, "active")
        client = desk.row("CLIENTS", replication=kind)
        assert (server["replication"], server["link"], client["link"]) == (kind, client["ptr"], server["ptr"])
        pool = desk.row("POOLS", database="app", user="app")
        assert (pool["cl_active"], pool["sv_active"]) == (1, 1)
        assert desk.row("DATABASES", name="app")["current_connections"] == 1
        assert {row["task"] for row in desk.rows("FDS") if row["database"] == "app"} == {"client", "server"}
        walsender.__exit__(None, None)
        wait_until(lambda: not desk.rows("SERVERS"), "its server has gone with it")
    finally:
        desk.pooler.server.sql("alter role app noreplication")


def _in_state(desk, state: str) -> list[dict]:
    return [row for row in desk.rows("SERVERS") if row["state"] == state]


def test_stats_count_what_clients_have_done(desk):
    desk = desk()
    client = desk.client()
    for number in range(5):
        assert client.value(f"select {number}") == str(number)
    client.ask(parse("s", "select 7"), bind("", "s"), execute(), SYNC)
    stats = desk.row("STATS", database="app")
    assert stats["total_query_count"] == 6 and stats["total_xact_count"] == 6
    assert stats["total_client_parse_count"] == 1 and stats["total_bind_count"] == 1
    assert stats["total_server_assignment_count"] >= 6
    assert stats["total_received"] > 100 and stats["total_sent"] > 100 and stats["total_query_time"] > 0
    totals = {row["name"]: row["value"] for row in desk.rows("TOTALS")}
    assert totals["total_query_count"] == 6
    assert desk.row("STATS_TOTALS", database="app")["query_count"] == 6
    latency = desk.row("LATENCY", database="app", user="app")
    assert latency["query_count"] >= 6 and 0 < latency["query_p50_us"] <= latency["query_p99_us"]
    assert desk.row("PREPARED")["statement"] == "select 7"


def test_stats_stay_when_a_pool_has_gone(desk):
    desk = desk(server_idle_timeout=0.2)
    with desk.client() as client:
        assert client.value("select 1") == "1"
    wait_until(lambda: not desk.rows("POOLS"), "the pool has gone")
    assert desk.row("STATS", database="app")["total_query_count"] == 1


def test_pins_say_who_keeps_a_server_and_why(desk):
    desk = desk()
    client = desk.client()
    assert desk.rows("PINS") == []
    client.ask(query("create temp table t (i int)"))
    wait_until(lambda: desk.rows("PINS"), "the audit has found the table")
    pin = desk.row("PINS", database="app")
    assert (pin["user"], pin["application_name"], pin["reasons"]) == ("app", "worker", "temp_objects")


def test_settings_are_shown_and_no_secret(desk):
    desk = desk(http_token="s3cret token", query_wait_timeout=1.5)
    config = {row["key"]: row["value"] for row in desk.rows("CONFIG")}
    assert config["query_wait_timeout"] == "1.5" and config["max_client_conn"] == "1000"
    setting = desk.row("SETTINGS", name="query_wait_timeout")
    assert setting["value"] == "1500ms" and "ballast.toml" in setting["source"]
    for show in PGBOUNCERS + OURS:
        printed = desk.psql(f"SHOW {show}")
        assert "s3cret" not in printed and ":secret" not in printed, show


# Drivers -------------------------------------------------------------------------------------------------


def test_5_7_122_admin_by_the_extended_protocol_of_asyncpg(desk):
    desk = desk()
    client = desk.client()
    assert client.value("select 1") == "1"

    async def ask():
        connection = await asyncpg.connect(desk.pooler.url(database="ballast"), ssl=False)
        stats = await connection.fetchrow("SHOW STATS")
        assert stats["database"] == "app" and stats["total_query_count"] == Decimal(1)
        pools = await connection.fetch("SHOW POOLS")
        assert pools[0]["cl_active"] == 1 and pools[0]["load_balance_hosts"] is None
        assert {row["list"] for row in await connection.fetch("SHOW LISTS")} >= {"pools", "used_clients"}
        assert (await connection.fetch("SHOW DNS_HOSTS"))[0]["ttl"] == 0
        statement = await connection.prepare("SHOW CLIENTS")
        for _ in range(3):
            assert len(await statement.fetch()) == 2
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.fetch("nonsense")
        await connection.execute("PAUSE app")
        assert (await connection.fetchrow("SHOW DATABASES"))["paused"] == 1
        await connection.execute("RESUME app")
        await connection.close()

    asyncio.run(ask())


def test_5_7_122_admin_by_the_extended_protocol_of_psycopg(desk):
    desk = desk()
    client = desk.client()
    assert client.value("select 1") == "1"
    with psycopg.connect(desk.pooler.url(database="pgbouncer"), autocommit=True) as connection:
        for binary in (False, True):
            with connection.cursor(binary=binary) as cursor:
                for show in PGBOUNCERS + OURS:
                    names = [column.name for column in cursor.execute(f"SHOW {show}", prepare=True).description]
                    assert all(len(row) == len(names) for row in cursor.fetchall())
                stats = cursor.execute("SHOW TOTALS", prepare=True).fetchall()
                assert ("total_query_count", Decimal(1)) in stats
    with psycopg.connect(desk.pooler.url(database="pgbouncer")) as connection:  # with BEGIN and COMMIT around it
        assert connection.execute("SHOW STATE").fetchone() == ("active", "yes")


def test_the_console_is_reached_over_tls(desk, tls_settings):
    desk = desk(**tls_settings)
    with psycopg.connect(desk.pooler.url(database="ballast", sslmode="require"), autocommit=True) as connection:
        cursor = connection.execute("SHOW CLIENTS")
        tls = [column.name for column in cursor.description].index("tls")
        assert [row[tls].split("/")[0] for row in cursor.fetchall()] == ["TLSv1.3"]


def test_the_console_is_reached_by_a_unix_socket(desk):
    desk = desk(unix_socket_dir=tempfile.gettempdir())
    url = desk.pooler.url(database="ballast", host="").replace("@:", f"@{quote(tempfile.gettempdir(), safe='')}:")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        (client,) = connection.execute("SHOW CLIENTS").fetchall()
        assert (client["addr"], client["local_addr"], client["remote_pid"]) == ("unix", "unix", os.getpid())


def test_debians_exporter_works_unchanged(desk):
    desk = desk()
    clients = [desk.client() for _ in range(3)]
    for client in clients:
        assert client.value("select 1") == "1"
    port = free_port()
    command = ["prometheus-pgbouncer-exporter", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--pgbouncer-host", "127.0.0.1", "--pgbouncer-port", str(desk.pooler.port), "--pgbouncer-user", "other"]
    environment = os.environ | {"PGPASSWORD": desk.pooler.accounts["other"], "PGSSLMODE": "disable"}
    log = desk.pooler.folder / "exporter.log"
    exporter = spawn(command, log, env=environment)
    try:

        def scraped() -> str:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                    return answer.read().decode()
            except OSError:
                assert exporter.poll() is None, log.read_text()
                return ""

        wait_until(scraped, "the exporter answers")
        for text in (scraped(), scraped()):
            assert 'pgbouncer_requests_total{database="app"} 3.0' in text
            assert 'pgbouncer_active_clients{database="app",user="app"} 3.0' in text
            assert 'pgbouncer_pool_size{database="app"} 20.0' in text
            assert 'pgbouncer_reserve_pool{database="app"} 0.0' in text
            assert "pgbouncer_used_clients 4.0" in text  # itself too
            assert re.search(r'pgbouncer_received_bytes_total\{database="app"\} [1-9]', text)
    finally:
        stop(exporter)


# Rights --------------------------------------------------------------------------------------------------


def test_who_is_not_named_does_not_get_in(desk):
    desk = desk(admin_users="other", stats_users="")
    with pytest.raises(LoginRefused, match="not allowed on the console"):
        desk.console("app")
    with pytest.raises(LoginRefused, match="password authentication failed"):
        Wire.login(desk.pooler.port, "other", "wrong", "ballast")
    assert desk.console("other").ask(query("SHOW STATE")).rows
    assert desk.client("app").value("select 1") == "1"


def test_with_nobody_named_the_urls_own_user_is_the_admin(start):
    desk = Desk(start())
    assert desk.psql("PAUSE", "RESUME") == "PAUSE\nRESUME"
    assert "not allowed on the console" in desk.psql("SHOW STATE", user="other")


def test_a_user_of_statistics_may_look_and_change_nothing(desk):
    desk = desk()
    console = desk.console("other")
    for show in PGBOUNCERS + OURS:
        answers = console.ask(query(f"SHOW {show}"))
        assert answers.sqlstates == (["42501"] if show == "fds" else []), show
    for command in CHANGES:
        assert console.ask(query(command)).sqlstates == ["42501"], command
        assert console.ask(parse("", command), bind("", ""), execute(), SYNC).sqlstates == ["42501"], command
    assert desk.row("STATE", key="active")["value"] == "yes"


def test_5_7_124_kill_client_needs_the_right_of_an_admin(desk):
    desk = desk()
    client = desk.client()
    client.value("select 1")
    victim = desk.row("CLIENTS", database="app")["id"]
    refused = desk.console("other").ask(query(f"KILL_CLIENT {victim}"))
    assert refused.sqlstates == ["42501"] and "admin access needed" in refused.error
    assert client.value("select 2") == "2"
    assert "client not found" in desk.psql("KILL_CLIENT 999999")
    assert desk.psql(f"KILL_CLIENT {victim}") == "KILL_CLIENT"
    client.closed_by_peer()
    assert [row for row in desk.rows("CLIENTS") if row["database"] == "app"] == []


def test_kill_client_finds_clients_of_the_console_too(desk):
    desk = desk()
    # Of both workers.
    consoles = [desk.console() for _ in range(4)]
    for row in [row for row in desk.rows("CLIENTS") if row["database"] == "ballast"]:
        assert desk.psql(f"KILL_CLIENT {row['id']}") == "KILL_CLIENT"
    for console in consoles:
        assert console.closed_by_peer().sqlstates == ["57P01"]
    assert [row for row in desk.rows("CLIENTS") if row["database"] == "ballast"] == []


def test_a_reload_takes_the_right_away_from_who_is_there(desk):
    desk = desk()
    console = desk.console("other")
    assert console.ask(query("SHOW STATE")).sqlstates == []
    desk.pooler.settings["stats_users"] = ""
    desk.pooler.configure()
    assert desk.psql("RELOAD") == "RELOAD"
    assert console.ask(query("SHOW STATE")).sqlstates == ["42501"]


# Commands ------------------------------------------------------------------------------------------------


def test_5_7_122_show_while_everything_is_paused(desk):
    desk = desk()
    client = desk.client()
    assert client.value("select 1") == "1"
    assert desk.psql("PAUSE") == "PAUSE"
    assert desk.row("STATE", key="paused")["value"] == "yes"
    assert desk.rows("SERVERS") == []
    client.send(query("select 2"))
    wait_until(lambda: desk.row("POOLS", database="app")["cl_waiting"] == 1, "the client waits")
    for show in PGBOUNCERS + OURS:
        assert "ERROR" not in desk.psql(f"SHOW {show}"), show
    assert "already suspended/paused" in desk.psql("PAUSE")
    assert desk.psql("RESUME") == "RESUME"
    assert client.read_until("Z").rows == [[b"2"]]
    assert "pooler is not paused/suspended" in desk.psql("RESUME")


def test_a_pause_waits_for_the_transaction_under_way(desk):
    desk = desk()
    client = desk.client()
    client.ask(query("begin; select 1"))
    console = desk.console()
    console.send(query("PAUSE app"))
    wait_until(lambda: desk.row("DATABASES", name="app")["paused"] == 1, "it is paused")
    assert select.select([console.socket], [], [], 0) == ([], [], [])
    client.ask(query("commit"))
    assert console.read_until("Z").tags == ["PAUSE"]
    assert desk.psql("RESUME app") == "RESUME"


@pytest.mark.parametrize("command", ["PAUSE", "PAUSE app", "SUSPEND"])
def test_a_command_that_waits_is_taken_back_when_it_is_cancelled(desk, command):
    desk = desk()
    client, console = desk.client(), desk.console()
    _be_busy(client, command)
    console.send(query(command + "; SHOW STATE"))
    wait_until(lambda: command in desk.pooler.log_text(), "it waits")
    cancel(desk.pooler.port, console.process, console.secret)
    answers = console.read_until("Z")
    assert answers.sqlstates == ["57014"] and answers.error == "canceling statement due to user request"
    assert answers.types == "EZ"
    assert console.ask(query("SHOW STATE")).rows[0] == [b"active", b"yes"]
    assert desk.row("DATABASES", name="app")["paused"] == 0
    assert desk.client().value("select 1") == "1"
    if command == "SUSPEND":
        cancel(desk.pooler.port, client.process, client.secret)
        assert client.read_until("Z").sqlstates == ["57014"]
    assert client.ask(query("rollback")).sqlstates == []
    assert console.ask(query(command)).tags == [command.split()[0]]
    assert console.ask(query(_resume(command))).tags == ["RESUME"]


def test_a_wait_for_servers_to_close_is_cancelled(desk):
    desk = desk()
    client, console = desk.client(), desk.console()
    client.ask(query("begin; select 1"))
    assert console.ask(query("RECONNECT")).tags == ["RECONNECT"]
    console.send(query("WAIT_CLOSE"))
    wait_until(lambda: desk.row("CLIENTS", ptr=_own(desk, console))["state"] == "active", "it waits")
    cancel(desk.pooler.port, console.process, console.secret)
    assert console.read_until("Z").sqlstates == ["57014"]
    assert client.ask(query("commit")).tags == ["COMMIT"]
    assert console.ask(query("WAIT_CLOSE")).tags == ["WAIT_CLOSE"]


@pytest.mark.parametrize("command, stands", [("PAUSE", True), ("PAUSE app", True), ("SUSPEND", False)])
def test_a_pause_stands_when_who_gave_it_leaves_and_a_suspend_does_not(desk, command, stands):
    desk = desk(http_port=free_port())
    client, console = desk.client(), desk.console()
    _be_busy(client, command)
    console.send(query(command))
    wait_until(lambda: command in desk.pooler.log_text(), "it waits")
    console.__exit__(None, None)
    if not stands:
        wait_until(lambda: "RESUME" in desk.pooler.log_text(), "it is taken back")
    wait_until(lambda: not [row for row in desk.rows("CLIENTS") if row["database"] == "ballast"], "it has gone")
    is_paused = desk.row("STATE", key="paused")["value"] == "yes" or desk.row("DATABASES", name="app")["paused"] == 1
    assert is_paused == stands
    if stands:
        assert desk.console().ask(query(_resume(command))).tags == ["RESUME"]
    assert desk.client().value("select 1") == "1"


def _be_busy(client, command: str):
    """What `command` waits for is under way: a transaction, or a statement."""
    client.ask(query("begin; select 1"))
    if command == "SUSPEND":
        client.send(query("select pg_sleep(60)"))


def _resume(command: str) -> str:
    return f"RESUME {command.partition(' ')[2]}"


def _own(desk, console) -> str:
    (row,) = [row for row in desk.rows("CLIENTS") if row["port"] == console.socket.getsockname()[1]]
    return row["ptr"]


def test_databases_are_disabled_killed_and_reconnected(desk):
    desk = desk()
    client = desk.client()
    client.value("select 1")
    before = desk.row("SERVERS")["id"]
    assert desk.psql("RECONNECT app", "WAIT_CLOSE app") == "RECONNECT\nWAIT_CLOSE"
    client.value("select 1")
    assert desk.row("SERVERS")["id"] != before
    assert desk.psql("DISABLE app") == "DISABLE"
    assert desk.row("DATABASES", name="app")["disabled"] == 1
    with pytest.raises(LoginRefused):
        desk.client()
    assert desk.psql("ENABLE app") == "ENABLE"
    desk.client().value("select 1")
    assert desk.psql("KILL app", "RESUME app") == "KILL\nRESUME"
    client.closed_by_peer()
    for command in ("PAUSE nowhere", "KILL nowhere", "DISABLE nowhere"):
        assert "no such database: nowhere" in desk.psql(command)
    assert "a database is required" in desk.psql("ENABLE")
    assert "cannot pause admin db: pgbouncer" in desk.psql("PAUSE pgbouncer")


def test_set_changes_a_setting_at_once(desk):
    desk = desk()
    assert desk.psql("SET default_pool_size = 7") == "SET default_pool_size=7"
    assert desk.row("DATABASES", name="app")["pool_size"] == 7
    assert desk.row("SETTINGS", name="default_pool_size")["value"] == "7"
    assert "default_pool_size" in desk.psql("SET default_pool_size = none")
    assert "ERROR" in desk.psql("SET no_such_setting = 1")


def test_shutdown_ends_the_process_and_says_goodbye_to_its_consoles(desk):
    desk = desk()
    console = desk.console()
    console.send(query("SHUTDOWN"))
    assert "57P01" in console.closed_by_peer().sqlstates
    wait_until(lambda: desk.pooler.process.poll() is not None, "it has ended")
    assert desk.pooler.process.poll() == 0


# Limits --------------------------------------------------------------------------------------------------


def test_an_admin_gets_in_when_there_are_too_many_clients(desk):
    desk = desk(max_client_conn=1)
    client = desk.client()
    with pytest.raises(LoginRefused, match="max_client_conn"):
        desk.client()
    assert desk.row("LISTS", list="used_clients")["items"] == 2
    assert client.value("select 1") == "1"


def test_the_console_has_a_limit_of_its_own(desk):
    desk = desk(workers=1)
    consoles = [desk.console() for _ in range(20)]
    with pytest.raises(LoginRefused, match="the console has 20 clients already"):
        desk.console()
    consoles.pop().__exit__(None, None)
    wait_until(lambda: len(_admitted(desk)) == 1, "there is room for one")


def _admitted(desk) -> list:
    try:
        return [desk.console()]
    except LoginRefused:
        return []


def test_a_client_of_the_console_that_is_idle_for_too_long_leaves(desk):
    desk = desk(client_idle_timeout=0.3)
    assert desk.console().closed_by_peer().sqlstates == ["57P05"]


def test_5_7_122_a_flooded_console_takes_one_request_at_a_time_and_serves_all_others(desk):
    desk = desk(workers=1)
    client = desk.client()
    flood = desk.console()
    count = 20_000
    sender = threading.Thread(target=lambda: flood.send(*[query("SHOW CLIENTS; SHOW CONFIG")] * count), daemon=True)
    sender.start()
    resident = _resident_kb(desk.pooler.pid)
    for number in range(200):
        assert client.value(f"select {number}") == str(number)
    assert desk.row("STATE", key="active")["value"] == "yes"
    assert _resident_kb(desk.pooler.pid) < resident + 30_000
    flood.__exit__(None, None)
    sender.join(timeout=60)
    wait_until(lambda: len([row for row in desk.rows("CLIENTS") if row["database"] == "ballast"]) == 0, "it has gone")


def _resident_kb(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


@pytest.mark.parametrize("wrong", [b"Q\xff\xff\xff\xff", b"Q\0\0\0\3", b"F" + (4).to_bytes(4, "big"), b"\0" * 16])
def test_what_is_no_message_ends_the_session_alone(desk, wrong):
    desk = desk()
    console = desk.console()
    console.send(wrong)
    assert console.closed_by_peer().sqlstates in (["54000"], ["08P01"])
    assert desk.row("STATE", key="active")["value"] == "yes"
