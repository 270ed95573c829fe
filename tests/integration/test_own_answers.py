"""500 clients on 5 servers. Every answer carries its client's token: nobody ever sees another's."""

import pytest

from wire import SYNC, Wire, bind, execute, parse, query

CLIENTS = 500
SERVERS = 5


class Client:
    def __init__(self, wire: Wire, number: int):
        self.wire = wire
        self.number = number
        self.turn = 0

    @property
    def token(self) -> str:
        return f"client {self.number} turn {self.turn}"

    def check(self, found: list[str]):
        rows = [row[0].decode() for row in self.wire.read_until("Z").rows]
        assert rows == found, f"client {self.number} got {rows}"


def simple(client: Client):
    client.wire.send(query(f"select '{client.token}'"))
    yield [client.token]


def extended(client: Client):
    client.wire.send(parse("", "select $1::text") + bind("", "", (client.token,)) + execute() + SYNC)
    yield [client.token]


def prepared(client: Client):
    """One name, a hundred texts: what `s` means depends on who asks."""
    if client.turn == 0:
        client.wire.send(parse("s", f"select $1::text || ' of kind {client.number % 100}'") + SYNC)
        yield []
    client.wire.send(bind("", "s", (client.token,)) + execute() + SYNC)
    yield [f"{client.token} of kind {client.number % 100}"]


def pipelined(client: Client):
    batch = b"".join(bind("", "p", (f"{client.token} {n}",)) + execute() for n in range(5))
    first = parse("p", "select $1::text") if client.turn == 0 else b""
    client.wire.send(first + batch + SYNC)
    yield [f"{client.token} {n}" for n in range(5)]


def long_answers(client: Client):
    client.wire.send(query(f"select repeat('{client.token}', 2000)"))
    yield [client.token * 2000]


def in_transaction(client: Client):
    client.wire.send(query(f"begin; select set_config('ballast.token', '{client.token}', true)"))
    yield [client.token]
    client.wire.send(query("select current_setting('ballast.token')"))
    yield [client.token]
    client.wire.send(query("select current_setting('ballast.token'); commit"))
    yield [client.token]


def failing(client: Client):
    client.wire.send(parse("", "select $1::text::int") + bind("", "", (client.token,)) + execute() + SYNC)
    answers = client.wire.read_until("Z")
    assert answers.sqlstates == ["22P02"] and client.token in answers.error
    client.wire.send(query(f"select '{client.token}'"))
    yield [client.token]


CONVERSATIONS = [simple, extended, prepared, pipelined, long_answers, in_transaction, failing]


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda c: c.__name__)
def test_every_answer_is_the_clients_own(start, connect, connections, conversation):
    pooler = start(default_pool_size=SERVERS, max_client_conn=CLIENTS + 10)
    clients = [Client(connect(pooler), number) for number in range(CLIENTS)]
    for turn in range(4):
        for client in clients:
            client.turn = turn
        if conversation in (in_transaction, failing):
            one_after_the_other(clients, conversation)
        else:
            all_at_once(clients, conversation)
    if pooler.name != "direct":
        assert connections(pooler) <= SERVERS


def all_at_once(clients: list[Client], conversation):
    """Everybody asks before anybody reads."""
    started = {client: conversation(client) for client in clients}
    while started:
        expected = {client: next(steps, None) for client, steps in started.items()}
        started = {client: steps for client, steps in started.items() if expected[client] is not None}
        for client in started:
            client.check(expected[client])


def one_after_the_other(clients: list[Client], conversation):
    """Who holds a server must be heard before the next can have it: as many at once as there are servers."""
    for at in range(0, len(clients), SERVERS):
        all_at_once(clients[at : at + SERVERS], conversation)
