"""Start, reload, end: of the process as an operator sees it."""

import fcntl
import os
import re
import signal
import socket
import ssl
import subprocess
import urllib.request
from shutil import copy

import psycopg
import pytest

from poolers import Ballast
from processes import free_port, wait_until
from wire import Closed, LoginRefused, Wire, query

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("BALLAST_", "PG"))}
URL = "postgresql://app:very-secret@localhost:1/app"


def ballast(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [Ballast.program, *arguments]
    return subprocess.run(command, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=60)


# Start ----------------------------------------------------------------------------------------------------------------


def refused_with(done: subprocess.CompletedProcess, *words: str):
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused_with(ballast("--listen-port", port, DATABASE_URL=URL), port, "in use")


def test_no_url():
    refused_with(ballast(), "DATABASE_URL")


UNUSABLE = ["nonsense", "postgresql://host:port/x", "mysql://host/x", "host=a nonsense=b", "postgresql://a/b?sslmode=maybe"]


@pytest.mark.parametrize("url", UNUSABLE)
def test_an_unusable_url(url):
    done = ballast(DATABASE_URL=url)
    refused_with(done)


def test_a_wrong_url_is_not_repeated_with_its_password():
    done = ballast(DATABASE_URL="postgresql://app:very-secret@localhost:port/app")
    refused_with(done)
    assert "very-secret" not in done.stderr


def test_a_missing_config_file():
    refused_with(ballast("--config", "/nowhere/ballast.toml", DATABASE_URL=URL), "/nowhere/ballast.toml")


def test_a_missing_auth_file():
    refused_with(ballast("--auth-file", "/nowhere/users.txt", DATABASE_URL=URL), "/nowhere/users.txt", "auth_file")


def test_a_missing_certificate():
    files = ["--client-tls-cert-file", "/nowhere/x.crt", "--client-tls-key-file", "/nowhere/x.key"]
    refused_with(ballast("--client-tls-sslmode", "require", *files, DATABASE_URL=URL), "/nowhere/x.crt")


@pytest.mark.parametrize(
    "line, word",
    [
        ("default_pool_size = 0", "default_pool_size"),
        ("no_such_setting = 1", "no_such_setting"),
        ("pool_mode = 'sometimes'", "pool_mode"),
        ("= 3", "toml"),
    ],
)
def test_a_wrong_line_in_the_config_file(tmp_path, line, word):
    file = tmp_path / "ballast.toml"
    file.write_text(line + "\n")
    refused_with(ballast("--config", str(file), DATABASE_URL=URL), word)


def test_config_shows_values_and_sources_but_no_secrets():
    done = ballast("config", "--default-pool-size", "7", DATABASE_URL=URL, BALLAST_MAX_CLIENT_CONN="77")
    assert done.returncode == 0, done.stderr
    assert "default_pool_size = 7" in done.stdout and "--default-pool-size" in done.stdout
    assert "max_client_conn = 77" in done.stdout and "BALLAST_MAX_CLIENT_CONN" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr


def test_config_reads_its_own_output(tmp_path):
    first = ballast("config", "--query-timeout", "90s", DATABASE_URL=URL)
    file = tmp_path / "ballast.toml"
    file.write_text(first.stdout)
    second = ballast("config", "--config", str(file), DATABASE_URL=URL)
    assert second.returncode == 0, second.stderr
    values = [[line.partition("#")[0].strip() for line in done.stdout.splitlines()] for done in (first, second)]
    assert [v for v in values[0] if v] == [v for v in values[1] if v]


def test_help():
    done = ballast("--help")
    assert done.returncode == 0 and "default_pool_size" in done.stdout.replace("-", "_")


# Reload ---------------------------------------------------------------------------------------------------------------


def rewrite(pooler: Ballast, **settings):
    pooler.settings |= settings
    pooler.configure()
    reload_and_wait(pooler)


def reload_and_wait(pooler: Ballast):
    seen = len(pooler.log_text())
    pooler.reload()
    wait_until(lambda: "reload" in pooler.log_text()[seen:].lower(), "the log tells of the reload")


def test_reload_changes_limits_for_those_who_are_there(start, connect):
    pooler = start(default_pool_size=1, query_wait_timeout=0.2)
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    assert waiting.ask(query("select 1")).sqlstates
    rewrite(pooler, default_pool_size=2, query_wait_timeout=30)  # a busy machine's connect may take longer
    assert waiting.value("select 1") == "1"
    assert holder.value("select 'undisturbed'") == "undisturbed"


def test_a_bad_file_keeps_the_old_settings(start, connect):
    pooler = start(default_pool_size=1, query_wait_timeout=0.2)
    pooler.config_file.write_text("default_pool_size = 'many'\n")
    reload_and_wait(pooler)
    assert "default_pool_size" in pooler.log_text()
    holder, waiting = connect(pooler), connect(pooler)
    holder.ask(query("begin; select 1"))
    assert "query_wait_timeout" in waiting.ask(query("select 1")).error


def test_users_come_and_go_with_the_auth_file(start, connect):
    pooler = start()
    staying = connect(pooler, "other")
    del pooler.accounts["other"]
    try:
        rewrite(pooler)
    finally:
        pooler.accounts["other"] = "the other's secret"
    with pytest.raises(LoginRefused):
        connect(pooler, "other")
    assert staying.socket.fileno() > 0
    rewrite(pooler)
    assert connect(pooler, "other").value("select current_user") == "other"


def shown_certificate(pooler, context: ssl.SSLContext) -> int:
    with Wire(pooler.port) as client:
        client.start_tls(context)
        return client.socket.getpeercert()["serialNumber"]


def test_a_new_certificate_is_shown_after_a_reload(start, server, tls_settings, tls_context, tmp_path):
    cert, key = tmp_path / "pooler.crt", tmp_path / "pooler.key"
    copy(tls_settings["client_tls_cert_file"], cert)
    copy(tls_settings["client_tls_key_file"], key)
    pooler = start(**tls_settings | {"client_tls_cert_file": str(cert), "client_tls_key_file": str(key)})
    before = shown_certificate(pooler, tls_context)
    with Wire.login(pooler.port, "app", "secret", "app", tls=tls_context) as staying:
        fresh = server.authority.issue("fresh")
        copy(fresh.cert, cert)
        copy(fresh.key, key)
        reload_and_wait(pooler)
        assert shown_certificate(pooler, tls_context) != before
        cert.write_text("broken")
        reload_and_wait(pooler)
        assert shown_certificate(pooler, tls_context) != before
        assert staying.value("select 1") == "1"


# The log --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unread(server):
    """A pooler whose log is a pipe that is full after a page, and the pipe's end."""
    pooler = Ballast(server, {"app": "secret"}, {"http_port": free_port()})
    os.mkfifo(pooler.log)
    reader = os.open(pooler.log, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    with pooler:
        yield pooler, reader
        pooler.log.unlink()  # nobody writes any more, and who would read it would wait for ever
    os.close(reader)


def test_nobody_waits_for_who_should_read_the_log(unread, connect):
    pooler, reader = unread
    for _ in range(100):
        assert connect(pooler).value("select 1") == "1"
    with urllib.request.urlopen(f"http://127.0.0.1:{pooler.settings['http_port']}/metrics", timeout=60) as answer:
        lost = re.search(r"^ballast_log_lines_lost_total (\d+)$", answer.read().decode(), re.MULTILINE)
    assert int(lost[1]) > 0
    assert b"listening on" in os.read(reader, 65536)
    connect(pooler)
    assert b"standard error did not take" in os.read(reader, 65536)
    pooler.process.send_signal(signal.SIGTERM)
    assert ended(pooler) == 0


# End ------------------------------------------------------------------------------------------------------------------


def ended(pooler) -> int:
    return wait_until(lambda: pooler.process.poll() is not None and [pooler.process.poll()], "the process has ended")[0]


def test_sigterm_without_clients(start):
    pooler = start()
    pooler.process.send_signal(signal.SIGTERM)
    assert ended(pooler) == 0


def test_sigterm_lets_transactions_finish(start, connect, server, table):
    pooler = start()
    idle, working = connect(pooler), connect(pooler)
    working.ask(query(f"begin; insert into {table} values (1)"))
    pooler.process.send_signal(signal.SIGTERM)
    assert idle.closed_by_peer().sqlstates == ["57P01"]
    with pytest.raises((ConnectionError, LoginRefused, Closed, psycopg.Error)):
        connect(pooler)
    assert working.value("select 'still here'") == "still here"
    assert working.ask(query("commit")).tags == ["COMMIT"]
    assert ended(pooler) == 0
    assert server.sql(f"select count(*) from {table}", "app") == "1\n"


def test_a_second_sigterm_leaves_at_once(start, connect, server, table):
    pooler = start()
    working, idle = connect(pooler), connect(pooler)
    working.ask(query(f"begin; insert into {table} values (1)"))
    pooler.process.send_signal(signal.SIGTERM)
    idle.closed_by_peer()
    pooler.process.send_signal(signal.SIGTERM)
    ended(pooler)
    assert server.sql(f"select count(*) from {table}", "app") == "0\n"


def test_shutdown_timeout(start, connect):
    pooler = start(shutdown_timeout=0.3)
    working = connect(pooler)
    working.ask(query("begin; select 1"))
    pooler.process.send_signal(signal.SIGTERM)
    told = working.closed_by_peer()
    assert told.sqlstates in ([], ["57P01"])
    assert ended(pooler) == 0

