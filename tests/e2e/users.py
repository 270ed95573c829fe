"""Users of the chatbot, all in one thread: they ask, read, think and ask again. Every request is recorded.

    async with Users(chatbot.port, 200, seed=1) as users:   # registered and logged in
        await users.live(180, think_s=(3, 9))
        users.seen                                          # Request, one for each
        users.wrong(rows)                                   # what the database has against what they were told

It speaks HTTP by itself, since a library would need more of the processor than the chatbot does. Who is told 503 asks
the same again, under the same key, when it is said to: each try is a request of its own.
"""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

PASSWORD = "a good secret"
DEADLINE_S = 60
TRIES = 20
PROBE_S = 0.2
AT_THE_DOOR = 8  # register at a time: hashes of passwords are slow
FIRST_QUESTIONS = (
    "What is a connection pool?",
    "Why is a transaction open for hours bad for VACUUM?",
    "How does full-text search rank documents?",
    "What happens when a serverless database sleeps?",
    "How can a request be done exactly once?",
)
MORE_QUESTIONS = (
    "And what is a deadlock?",
    "What does a round trip cost?",
    "When should load be shed?",
    "What is null?",
)
# What a user does next, and how often. Some come back after their session has ended.
HABITS = {"ask": 40, "ask anew": 15, "list": 20, "read": 20, "log in": 5}


@dataclass(frozen=True)
class Request:
    at_s: float  # since the beginning
    user: int
    kind: str
    status: int  # 0: the connection failed, or nothing came in time
    took_ms: float
    key: str = ""


@dataclass
class Told:
    """What a user knows of a question."""

    conversation: str
    question: str
    answer: str | None = None  # None: it was never answered


@dataclass
class User:
    number: int
    http: "Http"
    dice: random.Random
    token: str = ""
    conversations: list[str] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)  # by key

    @property
    def name(self) -> str:
        return f"user-{self.number}"


class Http:
    """One connection, kept open."""

    def __init__(self, port: int):
        self.port = port
        self.reader = self.writer = None

    async def request(self, method: str, path: str, token: str, body: dict | None) -> tuple[int, dict[str, str], bytes]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: chatbot\r\nContent-Length: {len(content)}\r\n"
        head += f"Authorization: Bearer {token}\r\n" if token else ""
        self.writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + content)
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        told = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return int(status.split()[1]), headers, told

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


class Users:
    def __init__(self, port: int, count: int, seed: int):
        self.all = [User(number, Http(port), random.Random(seed * 10000 + number)) for number in range(count)]
        self.began = time.monotonic()
        self.seen: list[Request] = []
        self.late_ms: list[float] = []  # how long after a user had thought enough the request was sent
        self.probe = Http(port)
        # When, and what it took: /health, which asks the database nothing. So long does the machine itself take.
        self.probed: list[tuple[float, float]] = []

    async def __aenter__(self) -> "Users":
        door = asyncio.Semaphore(AT_THE_DOOR)
        await asyncio.gather(*(self._come_in(user, door) for user in self.all))
        self.seen.clear()
        self.began = time.monotonic()
        return self

    async def __aexit__(self, *_):
        for http in [self.probe, *(user.http for user in self.all)]:
            http.close()

    async def live(self, seconds: float, think_s: tuple[float, float]):
        """All of them, each on its own; the first request of each comes within a time of thinking."""
        end = time.monotonic() + seconds
        await asyncio.gather(self._probe(end), *(self._live(user, end, think_s) for user in self.all))

    async def burst(self, kind: str):
        """One request of each, at the same moment."""
        self.began = time.monotonic()
        await asyncio.gather(*(self.do(user, kind) for user in self.all))

    def at_s(self) -> float:
        return time.monotonic() - self.began

    async def _probe(self, end: float):
        while (sent := time.monotonic()) < end:
            await asyncio.wait_for(self.probe.request("GET", "/health", "", None), DEADLINE_S)
            self.probed.append((sent - self.began, 1000 * (time.monotonic() - sent)))
            await asyncio.sleep(PROBE_S)

    async def _live(self, user: User, end: float, think_s: tuple[float, float]):
        due = time.monotonic() + user.dice.uniform(0, think_s[1])
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            self.late_ms.append(1000 * (time.monotonic() - due))
            await self.do(user, user.dice.choices(list(HABITS), list(HABITS.values()))[0])
            due = time.monotonic() + user.dice.uniform(*think_s)

    async def do(self, user: User, kind: str):
        if kind in ("ask", "read") and not user.conversations:
            kind = "ask anew"
        if kind == "ask":
            await self._ask(user, user.dice.choice(user.conversations), user.dice.choice(MORE_QUESTIONS))
        elif kind == "ask anew":
            await self._ask(user, None, user.dice.choice(FIRST_QUESTIONS))
        elif kind == "list":
            await self._request(user, kind, "GET", "/conversations")
        elif kind == "read":
            await self._request(user, kind, "GET", f"/conversations/{user.dice.choice(user.conversations)}")
        else:
            await self._log_in(user)

    async def _ask(self, user: User, conversation: str | None, question: str):
        key = str(uuid.UUID(int=user.dice.getrandbits(128), version=4))
        user.told[key] = told = Told(conversation or key, question)
        body = {"question": question, "key": key} | ({"conversation_id": conversation} if conversation else {})
        answer = await self._request(user, "ask" if conversation else "ask anew", "POST", "/chat/query", body)
        if answer is not None:
            told.answer = answer["answer"]
            if not conversation:
                user.conversations.append(key)

    async def _log_in(self, user: User):
        body = {"name": user.name, "password": PASSWORD}
        if session := await self._request(user, "log in", "POST", "/login", body):
            user.token = session["token"]

    async def _come_in(self, user: User, door: asyncio.Semaphore):
        body = {"name": user.name, "password": PASSWORD}
        async with door:
            await self._request(user, "register", "POST", "/register", body)
            await self._log_in(user)
        user.http.close()  # it would rest for longer than the chatbot keeps a connection open

    async def _request(self, user: User, kind: str, method: str, path: str, body: dict | None = None):
        """The answer; None if there was none, however often it was asked for."""
        for _ in range(TRIES):
            sent = time.monotonic()
            try:
                asked = user.http.request(method, path, user.token, body)
                status, headers, told = await asyncio.wait_for(asked, DEADLINE_S)
            except (OSError, EOFError, asyncio.TimeoutError):
                status, headers, told = 0, {}, b""
                user.http.close()
            took_ms = 1000 * (time.monotonic() - sent)
            key = (body or {}).get("key", "")
            self.seen.append(Request(sent - self.began, user.number, kind, status, took_ms, key))
            if status in (200, 201):
                return json.loads(told)
            if status != 503:
                return None
            await asyncio.sleep(int(headers["retry-after"]) * user.dice.uniform(1, 1.5))
        return None

    def statuses(self) -> Counter:
        return Counter(request.status for request in self.seen)

    def wrong(self, rows: list[list[str]]) -> list[str]:
        """In words. A row is a message: user, key, role, conversation, content; asked with MESSAGES below."""
        found: dict[tuple[str, str], list[list[str]]] = {}
        for name, key, role, conversation, content in rows:
            found.setdefault((name, key), []).append([role, conversation, content])
        wrong, known = [], set()
        for user in self.all:
            for key, told in user.told.items():
                known.add((user.name, key))
                messages = found.get((user.name, key), [])
                question = ["user", told.conversation, told.question]
                if told.answer is not None:
                    if messages != [question, ["assistant", told.conversation, told.answer]]:
                        wrong.append(f"{user.name} was answered, but of {key} there is {messages}")
                elif messages and (messages[0] != question or len(messages) > 2):
                    wrong.append(f"{user.name} was not answered, and of {key} there is {messages}")
        return wrong + [f"nobody has asked {key}" for key in found.keys() - known]


MESSAGES = """
select json_build_array(name, key, role, conversation_id, content)
from messages join users on users.id = user_id order by position
"""
