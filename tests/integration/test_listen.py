"""LISTEN when listeners share servers: one connection listens for all, and nobody can tell from what is heard when.

What a single client sees of LISTEN and NOTIFY is in test_state_notify.py. Here is what happens at the seams: while a
client goes from a server to the shared connection and back, and when that connection is lost.
"""

import itertools
import random
import socket
import struct
import threading

import pytest

from crowd import notified
from processes import wait_until
from wire import DEADLINE_S, SYNC, Answers, Wire, bind, execute, parse, query

LISTENING = "application_name = '' and state = 'idle' and query like '%LISTEN \"ballast\\_mark\\_%' and query not like '%NOTIFY%'"


def heard(answers: Answers) -> list[tuple[str, str]]:
    return [notified(answer) for answer in answers if answer.kind == "A"]


def hear(client: Wire, number: int = 1) -> list[tuple[str, str]]:
    return [notified(client.read_until("A")[-1]) for _ in range(number)]


def run(client: Wire, sql: str) -> Answers:
    answers = client.ask(query(sql))
    assert not answers.sqlstates, f"{sql}: {answers.error}"
    return answers


def handed_over(pooler, connections, servers: int = 1):
    """Returns when nobody but the shared connection listens and `servers` servers are nobody's."""
    idle = "state = 'idle' and query = 'UNLISTEN *'"
    wait_until(lambda: not pooler.process or connections(pooler, idle) >= servers, "the listener has no server")


class Listener(threading.Thread):
    """Hears the channel `news`, and does all kinds of things meanwhile."""

    def __init__(self, client: Wire, number: int, is_over: threading.Event):
        super().__init__()
        self.client, self.number, self.is_over = client, number, is_over
        self.random = random.Random(number)
        self.told: list[str] = []
        self.failure: Exception | None = None
        self.said = 0
        self.listens_more = False
        run(client, "listen news")

    def run(self):
        try:
            while not self.is_over.is_set():
                self.random.choice([self.reads, self.speaks, self.takes_back, self.changes, self.pipelines, self.rests])()
            while "news end" not in self.told:
                self.told += map(" ".join, hear(self.client))
        except Exception as failure:
            self.failure = failure

    def ask(self, *messages: bytes, ready: int = 1):
        answers = self.client.ask(*messages, ready=ready)
        assert not answers.sqlstates, answers.error
        self.told += [" ".join(each) for each in heard(answers)]
        return answers

    def reads(self):
        self.ask(query("select 1"))

    def speaks(self):
        self.said += 1
        own = f"news own {self.number} {self.said}"
        if self.random.random() < 0.5:
            self.ask(query(f"notify news, 'own {self.number} {self.said}'"))
        else:
            sql = "select pg_notify('news', $1)"
            self.ask(parse("", sql), bind("", "", (own.removeprefix("news "),)), execute(), SYNC)
        assert own in self.told, "one's own notification comes with the answer"

    def takes_back(self):
        undone = self.random.choice(["unlisten *", "unlisten news", "listen more", "notify news, 'never'"])
        for sql in ("begin", undone, "select 1", "rollback"):
            self.ask(query(sql))

    def changes(self):
        self.listens_more = not self.listens_more
        self.ask(query("begin"))
        self.ask(query("listen more" if self.listens_more else "unlisten more"))
        answers = self.ask(query("commit; select count(*) from pg_listening_channels()"))
        assert answers.rows == [[b"2" if self.listens_more else b"1"]]

    def pipelines(self):
        self.ask(query("select 1"), query("begin; listen news; commit"), query("select 2"), SYNC, ready=4)

    def rests(self):
        self.client.socket.settimeout(0.002)
        try:
            self.told += map(" ".join, hear(self.client))
        except TimeoutError:
            pass
        finally:
            self.client.socket.settimeout(DEADLINE_S)


def speak(client: Wire, name: str, count: int):
    for number in range(count):
        client.ask(query(f"notify news, '{name} {number}'"))


def test_all_hear_the_same_in_the_same_order(start, connect):
    """Six who listen come and go between four servers and the shared connection; 4,000 notifications, and their own."""
    pooler = start(default_pool_size=4)
    is_over = threading.Event()
    listeners = [Listener(connect(pooler), number, is_over) for number in range(6)]
    speakers = [threading.Thread(target=speak, args=(connect(pooler), name, 2000)) for name in ("one", "other")]
    for thread in [*listeners, *speakers]:
        thread.start()
    for speaker in speakers:
        speaker.join()
    is_over.set()
    run(connect(pooler), "notify news, 'end'")
    for listener in listeners:
        listener.join()
        assert listener.failure is None, listener.failure
    histories = [told_before_end(listener) for listener in listeners]
    for history in histories:
        for name in ("one", "other"):
            expected = [f"news {name} {number}" for number in range(2000)]
            assert [each for each in history if each.startswith(f"news {name} ")] == expected
        assert history == histories[0]


def told_before_end(listener) -> list[str]:
    told = [each for each in listener.told if each.startswith("news ")]
    return told[: told.index("news end")]


def test_ones_own_notification_comes_with_the_answer_and_is_known_as_such(start, connect):
    pooler = start(default_pool_size=2)
    listener, speaker = connect(pooler), connect(pooler)
    run(listener, "listen news")
    for sql in ("notify news, 'own'", "select pg_notify('news', 'own')", "begin; notify news, 'own'; commit"):
        (own,) = [answer for answer in run(listener, sql) if answer.kind == "A"]
        assert notified(own) == ("news", "own")
        assert struct.unpack_from("!i", own.body)[0] == listener.process
        run(speaker, "notify news, 'of another'")
        other = listener.read_until("A")[-1]
        assert notified(other) == ("news", "of another")
        assert struct.unpack_from("!i", other.body)[0] != listener.process


def test_a_listen_and_what_follows_in_one_write(start, connect):
    pooler = start(default_pool_size=1)
    listener = connect(pooler)
    for _ in range(20):
        sql = ("listen news", "select 1", "notify news, 'own'", "begin", "unlisten *", "rollback", "notify news, 'too'")
        answers = listener.ask(*map(query, sql), ready=len(sql))
        assert "".join(answer.kind for answer in answers) == "CZ" "TDCZ" "CAZ" "CZCZCZ" "CAZ"
        assert heard(answers) == [("news", "own"), ("news", "too")]


def test_listeners_of_different_encodings(start, connect):
    pooler = start(default_pool_size=1)
    latin, plain = connect(pooler, client_encoding="LATIN1"), connect(pooler)
    speaker = connect(pooler)
    for client in (latin, plain):
        run(client, "listen news")
    for _ in range(3):
        run(speaker, "notify news, 'für'")
        assert b"f\xfcr" in latin.read_until("A")[-1].body
        assert "für".encode() in plain.read_until("A")[-1].body
    run(latin, "set client_encoding = 'UTF8'")
    run(speaker, "notify news, 'für'")
    assert "für".encode() in latin.read_until("A")[-1].body
    assert hear(plain) == [("news", "für")]
    run(plain, 'listen "Grüße"')
    run(speaker, "notify \"Grüße\", 'auch'")
    assert hear(plain) == [("Grüße", "auch")]


def test_the_shared_connection_alone_is_lost(start, connect, server, connections):
    pooler = start(default_pool_size=2)
    listeners = [connect(pooler) for _ in range(5)]
    for listener in listeners:
        run(listener, "listen news")
    if not pooler.process:
        return
    wait_until(lambda: connections(pooler, LISTENING) == 1, "one connection listens")
    handed_over(pooler, connections)
    busy, speaker = connect(pooler), connect(pooler)
    run(busy, "begin; listen news")
    ended = f"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and {LISTENING}"
    assert server.sql(ended).strip() == "t"
    for listener in listeners:
        notice = listener.read_until("N")[-1].fields
        assert (notice["S"], notice["C"]) == ("WARNING", "01000") and "missed" in notice["M"]
    run(busy, "commit")
    run(speaker, "notify news, 'again'")
    for listener in [*listeners, busy]:
        assert hear(listener) == [("news", "again")]
    assert "N" not in "".join(answer.kind for answer in run(busy, "select 1")), "it has missed nothing"
    assert connections(pooler, LISTENING) == 1


def test_all_servers_are_lost_while_nobody_listens_by_a_server(start_on_link, link, connect):
    pooler = start_on_link(default_pool_size=2)
    if not pooler.process:
        return
    listener, speaker = connect(pooler), connect(pooler)
    for number in range(3):
        run(listener, "listen news")
        run(speaker, f"notify news, 'before {number}'")
        assert hear(listener) == [("news", f"before {number}")]
        link.cut()
        assert "missed" in listener.read_until("N")[-1].fields["M"]
        wait_until(lambda: speaker.ask(query(f"notify news, 'after {number}'")).tags == ["NOTIFY"], "servers are back")
        assert hear(listener) == [("news", f"after {number}")]


def test_without_a_place_for_the_shared_connection_a_listener_keeps_its_server(start, connect, connections):
    pooler = start(default_pool_size=5, max_db_connections=1)
    listener, other = connect(pooler), connect(pooler)
    run(listener, "listen news")
    for number in range(3):
        assert heard(run(listener, f"notify news, '{number}'")) == [("news", f"{number}")]
    assert not pooler.process or connections(pooler) == 1
    run(listener, "unlisten *")
    if pooler.process:
        run(other, "select 1")


def test_a_listener_that_never_reads_is_disconnected(start, connect):
    pooler = start(default_pool_size=2, max_notification_backlog=100_000)
    if not pooler.process:
        return
    deaf, listener, speaker = connect(pooler), connect(pooler), connect(pooler)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    for client in (deaf, listener):
        run(client, "listen news")
    payload = "x" * 7000
    numbers = iter(range(5000))
    while "max_notification_backlog" not in pooler.log_text():
        for number in itertools.islice(numbers, 100):
            run(speaker, f"notify news, '{number} {payload}'")
            assert hear(listener) == [("news", f"{number} {payload}")]
    *before, last = deaf.closed_by_peer()
    assert (last.kind, last.fields["S"], last.fields["C"]) == ("E", "FATAL", "54000")
    assert "max_notification_backlog" in last.fields["M"]
    assert heard(before) == [("news", f"{each} {payload}") for each in range(len(before))]


def test_the_shared_connection_goes_some_time_after_the_last_listener(start, connect, connections):
    pooler = start(default_pool_size=2, server_idle_timeout="200ms")
    listener = connect(pooler)
    run(listener, "listen news")
    if not pooler.process:
        return
    wait_until(lambda: connections(pooler, LISTENING) == 1, "one connection listens")
    run(listener, "unlisten *")
    wait_until(lambda: connections(pooler) == 0, "no server is left")
    run(listener, "listen news")
    assert heard(run(listener, "notify news, 'again'")) == [("news", "again")]


@pytest.mark.parametrize("settings", [{"pool_mode": "session"}, {"session_fidelity": "off"}])
def test_where_sessions_are_not_kept_apart_nothing_is_done_about_it(start, connect, connections, settings):
    pooler = start(default_pool_size=1, **settings)
    listener = connect(pooler)
    run(listener, "listen news")
    assert heard(run(listener, "notify news, 'own'")) == [("news", "own")]
    assert not pooler.process or connections(pooler) == 1
