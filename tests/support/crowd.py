"""A client under test among strangers, who use its servers between its requests, with session state of their own.

    with Crowd(pooler, "app", "secret", servers=2) as crowd:
        client = crowd.client(options="-c geqo=off")
        client.run("set app.user_id = '42'")
        assert client.value("show app.user_id") == "42"  # strangers have been on both servers meanwhile

Before each request of a client, strangers run a transaction on every server that no client may hold, all at the same
time. One of them stays on the server where the client was last, so that the client has to move. A stranger that gets no
server says that somebody holds one too many (that a session is pinned that should not be); one that does not find its
own values, that something leaked. Nothing here knows how the pooler does it: it all holds against PostgreSQL itself.
"""

import struct
from contextlib import ExitStack, contextmanager
from itertools import cycle

from wire import SYNC, Answer, Answers, Wire, bind, execute, parse, query

STRANGERS = 6

# What stranger number n has set, as the server shows it.
STRANGE = {
    "app.user_id": "stranger {}",
    "application_name": "stranger {}",
    "search_path": "stranger_{}, public",
    "timezone": "Etc/GMT+{}",
    "datestyle": "SQL, DMY",
    "statement_timeout": "10{}s",
    "work_mem": "100{}kB",
    "extra_float_digits": "-{}",
    "default_transaction_isolation": "serializable",
}
STRANGE_AT_STARTUP = {"geqo": "off", "intervalstyle": "iso_8601", "app.tenant": "stranger"}


class Client(Wire):
    """A client under test. `ask`, and all that uses it, lets strangers onto the servers first."""

    crowd: "Crowd"
    status = "I"  # of its transaction
    pinned = False  # may keep a server between transactions
    server = ""  # where it was when it last looked
    told: list[tuple[str, str]]  # notifications that came among answers

    def ask(self, *messages: bytes, ready: int = 1) -> Answers:
        with self.crowd.strangers_for(self):
            answers = super().ask(*messages, ready=ready)
        self.status = answers.statuses[-1]
        self.told += [notified(answer) for answer in answers if answer.kind == "A"]
        return answers

    def run(self, sql: str) -> Answers:
        """A simple query that succeeds."""
        answers = self.ask(query(sql))
        assert not answers.sqlstates, f"{sql}: {answers.error}"
        return answers

    def fails(self, sql: str) -> str:
        """The SQLSTATE with which a simple query fails."""
        answers = self.ask(query(sql))
        assert answers.sqlstates, f"{sql} did not fail"
        return answers.sqlstates[0]

    def call(self, sql: str, *values) -> Answers:
        """The same over the extended protocol, with parameters; it succeeds."""
        answers = self.ask(parse("", sql), bind("", "", values), execute(), SYNC)
        assert not answers.sqlstates, f"{sql}: {answers.error}"
        return answers

    def row(self, sql: str) -> list[str | None]:
        (values,) = self.run(sql).rows
        return [None if value is None else value.decode() for value in values]

    def rows(self, sql: str) -> list[str]:
        """The first column."""
        return [values[0].decode() for values in self.run(sql).rows]

    def setting(self, name: str) -> str:
        return self.value(f"show {name}")

    def settings(self, *names: str) -> list[str]:
        return self.row("select " + ", ".join(f"current_setting('{name}')" for name in names))

    def look(self) -> str:
        self.server = self.value("select pg_backend_pid()")
        return self.server

    def keeps_its_server(self):
        """Pinned: from here on it is on one server, where no stranger is."""
        self.pinned = True
        server = self.look()
        for _ in range(3):
            assert self.look() == server
            assert server not in self.crowd.strangers_were_on

    def shares_servers(self):
        """Not pinned: strangers get all servers at the same time, and the client is moved when its own is taken."""
        assert self.status == "I"
        self.pinned = False
        server = self.look()
        moved = self.look() != server
        assert moved or self.crowd.pooler.name == "direct"

    def notification(self) -> tuple[str, str]:
        """The next one, waited for without asking for anything: channel and payload."""
        return self.told.pop(0) if self.told else notified(self.read_until("A")[-1])


def notified(answer: Answer) -> tuple[str, str]:
    channel, payload, _ = answer.body[struct.calcsize("!i") :].split(b"\0")
    return channel.decode(), payload.decode()


class Stranger(Wire):
    expected: dict[str, str]
    server = ""

    def begin(self):
        """Takes a server, and finds there what it has set."""
        shown = ", ".join(f"current_setting('{name}')" for name in self.expected)
        answers = super().ask(query(f"begin; select pg_backend_pid(){', ' if shown else ''}{shown}"))
        assert not answers.sqlstates, f"a stranger gets no server: {answers.error}"
        self.server, *found = (value.decode() for value in answers.rows[0])
        found = dict(zip(self.expected, found))
        assert found == self.expected, "a stranger finds what it has not set"

    def end(self):
        answers = super().ask(query("set local app.user_id = 'for a moment'; set local work_mem = '2MB'; commit"))
        assert answers.statuses == "I", answers.error


class Crowd:
    def __init__(self, pooler, user: str, password: str, servers: int, plain: bool = False):
        self.pooler = pooler
        self.login = (user, password)
        self.servers = servers
        self.connections = ExitStack()
        self.clients: list[Client] = []
        self.strangers_were_on: set[str] = set()
        self.plain = plain

    def __enter__(self):
        try:
            self.next_strangers = cycle([self._stranger(number) for number in range(1, STRANGERS + 1)])
            with self._on_servers(self.servers):  # so that all servers are there, and strange
                return self
        except BaseException:
            self.connections.close()
            raise

    def __exit__(self, *_):
        self.connections.close()

    def client(self, **startup: str) -> Client:
        client = self.connections.enter_context(Client.login(self.pooler.port, *self.login, "app", **startup))
        client.crowd, client.told = self, []
        self.clients.append(client)
        return client

    def leaves(self, client: Client):
        """The client is gone, without a word."""
        self.clients.remove(client)
        client.socket.close()

    @contextmanager
    def strangers_for(self, client: Client):
        """Strangers come to every server that may be had, and all but one have gone again when the client goes on."""
        holding = [each for each in self.clients if each.pinned or each.status != "I"]
        with self._on_servers(self.servers - len(holding)) as present:
            stay = next((stranger for stranger in present if stranger.server == client.server), None)
            if not stay and (len(present) > 1 or client in holding):
                stay = next(iter(present), None)
            for stranger in present:
                if stranger is not stay:
                    stranger.end()
            present[:] = [stay] if stay else []
            yield

    @contextmanager
    def _on_servers(self, number: int):
        present: list[Stranger] = []
        self.strangers_were_on = set()
        try:
            for _, stranger in zip(range(number), self.next_strangers):
                stranger.begin()
                present.append(stranger)
                self.strangers_were_on.add(stranger.server)
            yield present
        finally:
            for stranger in present:
                stranger.end()

    def _stranger(self, number: int) -> Stranger:
        if self.plain:
            return self._login(Stranger, {})
        startup = {"options": " ".join(f"-c {name}={value}" for name, value in STRANGE_AT_STARTUP.items())}
        stranger = self._login(Stranger, startup)
        stranger.expected = {name: value.format(number) for name, value in STRANGE.items()}
        for name, value in stranger.expected.items():
            quoted = value if name == "search_path" else f"'{value}'"
            answers = stranger.ask(query(f"set {name} = {quoted}"))
            assert not answers.sqlstates, answers.error
        stranger.expected |= STRANGE_AT_STARTUP
        return stranger

    def _login(self, kind, startup: dict[str, str]):
        wire = self.connections.enter_context(kind.login(self.pooler.port, *self.login, "app", **startup))
        wire.expected = {}
        return wire
