"""PostgreSQL's protocol byte by byte, for tests that no driver would let us write.

    client = Wire.login(port, "app", "secret", "app")
    assert client.ask(query("select 1")).types == "TDCZ"

Names of messages are the manual's ("Message Formats"). Blocking, with a deadline on every read.
"""

import base64
import functools
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from dataclasses import dataclass

PROTOCOL_3_0 = 3 << 16
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
DEADLINE_S = 60


def message(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def query(sql: str) -> bytes:
    return message("Q", text(sql))


def parse(name: str, sql: str, types: tuple[int, ...] = ()) -> bytes:
    return message("P", text(name) + text(sql) + struct.pack(f"!h{len(types)}i", len(types), *types))


def bind(portal: str, statement: str, values: tuple = (), result_format: int | None = None) -> bytes:
    body = text(portal) + text(statement) + struct.pack("!hH", 0, len(values))
    for value in values:
        data = value if isinstance(value, bytes) or value is None else str(value).encode()
        body += struct.pack("!i", -1) if data is None else struct.pack("!i", len(data)) + data
    formats = () if result_format is None else (result_format,)
    return message("B", body + struct.pack(f"!h{len(formats)}h", len(formats), *formats))


def describe(kind: str, name: str) -> bytes:
    return message("D", kind.encode() + text(name))


def execute(portal: str = "", row_limit: int = 0) -> bytes:
    return message("E", text(portal) + struct.pack("!i", row_limit))


def close(kind: str, name: str) -> bytes:
    return message("C", kind.encode() + text(name))


def function_call(function: int, *arguments: bytes) -> bytes:
    body = struct.pack("!ihhh", function, 1, 1, len(arguments))  # all arguments in binary
    for argument in arguments:
        body += struct.pack("!i", len(argument)) + argument
    return message("F", body + struct.pack("!h", 1))


def copy_data(data: bytes) -> bytes:
    return message("d", data)


def copy_fail(reason: str) -> bytes:
    return message("f", text(reason))


SYNC = message("S")
FLUSH = message("H")
COPY_DONE = message("c")
TERMINATE = message("X")


@dataclass(frozen=True)
class Answer:
    kind: str
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """An ErrorResponse's or NoticeResponse's fields by their letter."""
        parts = self.body.rstrip(b"\0").split(b"\0")
        return {part[:1].decode(): part[1:].decode() for part in parts if part}

    @property
    def values(self) -> list[bytes | None]:
        """A DataRow's columns."""
        (count,), at, found = struct.unpack_from("!h", self.body), 2, []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", self.body, at)
            at += 4
            found.append(None if length < 0 else self.body[at : at + length])
            at += max(length, 0)
        return found


class Answers(list):
    @property
    def types(self) -> str:
        return "".join(answer.kind for answer in self if answer.kind not in "SN")  # these may come at any time

    @property
    def rows(self) -> list[list[bytes | None]]:
        return [answer.values for answer in self if answer.kind == "D"]

    @property
    def sqlstates(self) -> list[str]:
        return [answer.fields["C"] for answer in self if answer.kind == "E"]

    @property
    def error(self) -> str:
        return next(answer.fields["M"] for answer in self if answer.kind == "E")

    @property
    def statuses(self) -> str:
        return "".join(answer.body.decode() for answer in self if answer.kind == "Z")

    @property
    def tags(self) -> list[str]:
        return [answer.body.rstrip(b"\0").decode() for answer in self if answer.kind == "C"]


class Closed(Exception):
    """The other side ended the connection."""


class Wire:
    def __init__(self, port: int, host: str = "127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.parameters: dict[str, str] = {}
        self.process = 0
        self.secret = b""

    @classmethod
    def login(cls, port: int, user: str, password: str, database: str, tls: ssl.SSLContext | None = None, **startup):
        client = cls(port)
        if tls:
            client.start_tls(tls)
        client.startup(user=user, database=database, **startup)
        client.authenticate(password)
        return client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext, name: str = "localhost"):
        self.send(struct.pack("!ii", 8, SSL_REQUEST))
        answer = self.socket.recv(1)
        assert answer == b"S", f"TLS refused: {answer!r}"
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def startup(self, version: int = PROTOCOL_3_0, **parameters: str):
        body = struct.pack("!i", version) + b"".join(text(n) + text(v) for n, v in parameters.items()) + b"\0"
        self.send(struct.pack("!i", len(body) + 4) + body)

    def authenticate(self, password: str) -> "Answers":
        """Answers the authentication requests until ReadyForQuery; an ErrorResponse is raised as LoginRefused."""
        scram, seen = Scram(password), Answers()
        while True:
            answer = self.read()
            seen.append(answer)
            if answer.kind == "R":
                self._answer_request(answer.body, scram)
            elif answer.kind == "S":
                name, _, value = answer.body[:-1].partition(b"\0")
                self.parameters[name.decode()] = value.decode()
            elif answer.kind == "K":
                self.process, self.secret = struct.unpack_from("!i", answer.body)[0], answer.body[4:]
            elif answer.kind == "E":
                raise LoginRefused(answer.fields)
            elif answer.kind == "Z":
                return seen

    def _answer_request(self, body: bytes, scram: "Scram"):
        (request,) = struct.unpack_from("!i", body)
        if request == 10:  # AuthenticationSASL
            first = scram.first()
            self.send(message("p", text("SCRAM-SHA-256") + struct.pack("!i", len(first)) + first))
        elif request == 11:
            self.send(message("p", scram.final(body[4:])))
        elif request == 12:
            scram.verify(body[4:])
        else:
            assert request == 0, f"authentication request {request}"

    def send(self, *messages: bytes):
        self.socket.sendall(b"".join(messages))

    def read(self) -> Answer:
        self._receive(5)
        (length,) = struct.unpack_from("!i", self.received, 1)
        self._receive(1 + length)
        answer = Answer(chr(self.received[0]), bytes(self.received[5 : 1 + length]))
        del self.received[: 1 + length]
        return answer

    def read_until(self, kinds: str) -> Answers:
        """All answers up to and with the first of one of these kinds."""
        answers = Answers()
        while not answers or answers[-1].kind not in kinds:
            answers.append(self.read())
        return answers

    def ask(self, *messages: bytes, ready: int = 1) -> Answers:
        """Sends, and reads until so many ReadyForQuery have come."""
        self.send(*messages)
        answers = Answers()
        for _ in range(ready):
            answers += self.read_until("Z")
        return answers

    def value(self, sql: str) -> str:
        """The one value that a simple query gives."""
        answers = self.ask(query(sql))
        assert not answers.sqlstates, answers.error
        return answers.rows[0][0].decode()

    def nothing_more(self) -> bool:
        """True when a further request is answered by its own answer and nothing else."""
        return self.ask(SYNC).types == "Z"

    def closed_by_peer(self) -> Answers:
        """What still comes before the other side closes."""
        answers = Answers()
        try:
            while True:
                answers.append(self.read())
        except Closed:
            return answers

    def _receive(self, length: int):
        while len(self.received) < length:
            try:
                data = self.socket.recv(1 << 18)
            except (ConnectionResetError, ssl.SSLEOFError) as lost:
                raise Closed from lost
            if not data:
                raise Closed
            self.received += data


class LoginRefused(Exception):
    def __init__(self, fields: dict[str, str]):
        super().__init__(fields["M"])
        self.sqlstate = fields["C"]


def cancel_request(process: int, secret: bytes) -> bytes:
    return struct.pack("!iii", 12 + len(secret), CANCEL_REQUEST, process) + secret


def cancel(port: int, process: int, secret: bytes, host: str = "127.0.0.1"):
    """Sends a CancelRequest, and returns when the other side has closed that connection."""
    with Wire(port, host) as connection:
        connection.send(cancel_request(process, secret))
        connection.closed_by_peer()


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 7677), without channel binding."""

    def __init__(self, password: str):
        self.password = password.encode()
        self.bare = f"n=,r={secrets.token_urlsafe(18)}".encode()

    def first(self) -> bytes:
        return b"n,," + self.bare

    def final(self, server_first: bytes) -> bytes:
        given = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = _salted(self.password, base64.b64decode(given[b"s"]), int(given[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=biws,r=" + given[b"r"]
        signed = b",".join([self.bare, server_first, without_proof])
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        self.expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, server_final: bytes):
        assert server_final == b"v=" + base64.b64encode(self.expected), "the server does not know the password"


@functools.cache  # for tests with thousands of logins
def _salted(password: bytes, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
