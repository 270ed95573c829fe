"""Secrets in files, that change while Ballast serves; and what a reload does to those who are connected."""

import threading
import urllib.error
import urllib.request
from pathlib import Path

import psycopg2
import pytest

from poolers import Ballast
from processes import free_port, wait_until
from wire import LoginRefused, Wire

CLIENTS_PASSWORD = "what clients know"


class FromFile(Ballast):
    """Its URL is in a file; clients of the URL's user have a password of their own."""

    url_file: Path

    def environment(self):
        kept = {name: value for name, value in super().environment().items() if name != "DATABASE_URL"}
        return kept | {"BALLAST_UPSTREAM_URL_FILE": str(self.url_file)}

    def reload_and_wait(self, words="settings, users and certificates were read again"):
        seen = len(self.log_text())
        self.reload()
        wait_until(lambda: words in self.log_text()[seen:], f"the log says: {words}")


@pytest.fixture
def rotated(server, tmp_path):
    server.sql("create role rotated login password 'first'")
    pooler = FromFile(server, {"rotated": CLIENTS_PASSWORD}, {"default_pool_size": 4, "server_idle_timeout": 1})
    pooler.url_file = tmp_path / "url"
    pooler.url_file.write_text(server.url("rotated", "first", "app") + "\n")
    with pooler:
        yield pooler
    server.sql("drop role rotated")


class Load:
    """Clients that ask, and log in anew now and then, until they are told to stop."""

    def __init__(self, pooler, clients: int):
        self.url = pooler.url(application_name="load")
        self.errors: list = []
        self.answers = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def work(self):
        while not self.stopping.is_set():
            try:
                connection = psycopg2.connect(self.url)
                for _ in range(20):
                    with connection, connection.cursor() as cursor:
                        cursor.execute("select pg_sleep(0.001)")
                    self.answers += 1
                connection.close()
            except psycopg2.Error as error:
                self.errors.append(str(error))

    def go_on(self, answers: int = 200):
        goal = self.answers + answers
        wait_until(lambda: self.answers >= goal or self.errors, "the load goes on")
        assert not self.errors


def backends(server) -> set[str]:
    rows = server.sql("select pid || ' ' || backend_start from pg_stat_activity where usename = 'rotated'")
    return set(rows.split("\n")) - {""}


def test_a_rotated_password_needs_no_restart_and_no_client_notices_5_7_120(rotated, server):
    with Load(rotated, 8) as load:
        for password in ("second", "third"):
            load.go_on()
            before = backends(server)
            assert before
            server.sql(f"alter role rotated password '{password}'")
            load.go_on()  # on the servers that there are
            rotated.url_file.write_text(server.url("rotated", password, "app"))
            rotated.reload_and_wait()
            wait_until(lambda: not (backends(server) & before), "the servers of before are gone")
            load.go_on()
            assert backends(server)
    assert not load.errors


def test_a_file_that_is_no_url_keeps_the_old_one(rotated, server):
    with psycopg2.connect(rotated.url()) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        before = cursor.fetchone()
        rotated.url_file.write_text("nonsense")
        rotated.reload_and_wait("the old settings stay")
        cursor.execute("select pg_backend_pid()")
        assert cursor.fetchone() == before
    assert "first" not in rotated.log_text()


def test_a_reload_keeps_servers_that_are_still_right_5_7_120(start, connect):
    pooler = start(default_pool_size=1)
    client = connect(pooler)
    backend = client.value("select pg_backend_pid()")
    pooler.settings["default_pool_size"] = 2
    pooler.configure()
    seen = len(pooler.log_text())
    pooler.reload()
    wait_until(lambda: "read again" in pooler.log_text()[seen:], "the log tells of the reload")
    assert client.value("select pg_backend_pid()") == backend


def test_a_user_who_is_removed_while_connected_stays_and_can_not_come_back_5_7_120(start, connect):
    pooler = start()
    staying = connect(pooler, "other")
    assert staying.value("select 1") == "1"
    del pooler.accounts["other"]
    pooler.configure()
    pooler.accounts["other"] = "the other's secret"
    seen = len(pooler.log_text())
    pooler.reload()
    wait_until(lambda: "read again" in pooler.log_text()[seen:], "the log tells of the reload")
    with pytest.raises(LoginRefused):
        connect(pooler, "other")
    assert staying.value("select 2") == "2"
    with Wire.login(pooler.port, "app", "secret", "app") as app:
        assert app.value("select 1") == "1"


def test_the_token_for_http_may_be_in_a_file_that_changes(start, tmp_path):
    port, token = free_port(), tmp_path / "token"
    token.write_text("first\n")
    pooler = start(http_port=port, http_token_file=str(token))

    def ask(given: str) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics")
        request.add_header("Authorization", f"Bearer {given}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert (ask("first"), ask("second")) == (200, 401)
    token.write_text("second")
    pooler.reload()
    wait_until(lambda: ask("second") == 200, "the new token is known")
    assert ask("first") == 401
