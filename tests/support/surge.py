"""A surge: many clients in one thread, who together ask for more than the servers can serve.

    with Surge(pooler.port, [Group("all", 2000)], hold_s=0.1, seed=1) as surge:  # all have logged in
        surge.closed_loop(20, seconds=5)                   # 20 of them, each asks again when it has its answer
        told = surge.poisson(per_s=2000, seconds=60)       # statements come, whatever became of those before
        told = surge.rounds(5)                             # each client asks five times
        told["all"].answered_s, told["all"].shed_s, told["all"].errors, told["all"].disconnects

A statement holds a server for `hold_s` without using a processor, so that what the servers can serve is known; its
answer says whose it is. Latency counts from when a statement was due, so that it has in it what this thread is late
itself. 53300 is an answer: come again. A client that is disconnected logs in again. There are no passwords: the
pooler's auth_type is trust.
"""

import random
import select
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from wire import Answers, Closed, Wire, query

SHED = "53300"
WORDLESS = "closed without a word"
RECONNECT_S = 0.1
DEADLINE_S = 120
NEVER = float("inf")


@dataclass(frozen=True)
class Group:
    name: str
    clients: int
    pace: float = 1  # how often one of its clients asks, beside those of other groups
    startup: dict[str, str] = field(default_factory=dict)


@dataclass
class Told:
    """What became of a group's statements."""

    due: int = 0
    skipped: int = 0  # were due, but every client of the group was waiting
    answered_s: list[float] = field(default_factory=list)
    answered_by_end: int = 0  # of these, before the time was over
    shed_s: list[float] = field(default_factory=list)
    errors: Counter = field(default_factory=Counter)  # others, by SQLSTATE
    wrong: list[str] = field(default_factory=list)  # answers that were somebody else's
    unanswered: int = 0
    disconnects: int = 0
    late_s: list[float] = field(default_factory=list)  # how long after it was due each was sent

    @property
    def sent(self) -> int:
        return self.due - self.skipped

    def __add__(self, other: "Told") -> "Told":
        return Told(**{name: value + getattr(other, name) for name, value in vars(self).items()})


class Client(Wire):
    def __init__(self, port: int, group: Group, number: int):
        super().__init__(port)
        self.group = group
        self.number = number
        self.is_in = False
        self.waits = False
        self.due = 0.0  # the statement that it waits for
        self.answers = Answers()
        self.startup(user="app", database="app", **group.startup)
        self.socket.setblocking(False)

    def is_ready(self) -> bool:
        """Reads what is there; true when that ends with ReadyForQuery."""
        try:
            while not self.answers or self.answers[-1].kind != "Z":
                self.answers.append(self.read())
        except BlockingIOError:
            return False
        return True


class Surge:
    def __init__(self, port: int, groups: list[Group], hold_s: float, seed: int):
        self.port = port
        self.groups = {group.name: group for group in groups}
        self.hold_s = hold_s
        # When something is due follows from the seed alone; who asks then, also from who is free.
        self.arrivals, self.choice = random.Random(seed), random.Random(seed)
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}  # by descriptor
        self.lost: deque[tuple[float, Group, int]] = deque()  # who comes back, and when
        self.waiting = 0
        self._begin(NEVER)

    def __enter__(self) -> "Surge":
        try:
            members = [group for group in self.groups.values() for _ in range(group.clients)]
            for number, group in enumerate(members):
                client = self._connect(group, number)
                while not client.is_in and not self.lost:
                    self._turn(NEVER)
                if self.lost:
                    raise RuntimeError(f"client {number} is not let in: {dict(self.told[group.name].errors)}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for client in self.clients.values():
            client.socket.close()
        self.epoll.close()

    def closed_loop(self, clients: int, seconds: float) -> dict[str, Told]:
        """So many of the clients, each of which asks again as soon as it has its answer."""
        self._begin(time.monotonic() + seconds)
        return self._until_rest(list(self.clients.values())[:clients], lambda _: time.monotonic() < self.end)

    def rounds(self, times: int) -> dict[str, Told]:
        """Each client asks so often, as soon as it can."""
        self._begin(NEVER)
        asked = Counter()

        def goes_on(client: Client) -> bool:
            asked[client] += 1
            return asked[client] < times

        return self._until_rest(list(self.clients.values()), goes_on)

    def poisson(self, per_s: float, seconds: float) -> dict[str, Told]:
        """Statements are due at random times, and fall to a client of their group that waits for nothing."""
        begin = time.monotonic()
        self._begin(begin + seconds)
        names, weights = list(self.groups), [group.clients * group.pace for group in self.groups.values()]
        free = {name: [client for client in self.clients.values() if client.group.name == name] for name in names}
        due = begin + self.arrivals.expovariate(per_s)
        while due < self.end:
            now = time.monotonic()
            while due < min(now, self.end):
                (name,) = self.arrivals.choices(names, weights)
                self._arrive(name, free[name], due)
                due += self.arrivals.expovariate(per_s)
            for client in self._turn(min(due, self.end)):
                free[client.group.name].append(client)
        return self._until_rest([], lambda _: False)

    def _begin(self, end: float):
        self.end = end
        self.told = {name: Told() for name in self.groups}

    def _arrive(self, name: str, free: list[Client], due: float):
        while free:
            at = self.choice.randrange(len(free))
            free[at], free[-1] = free[-1], free[at]
            client = free.pop()
            if client.is_in:  # it has not been disconnected since
                return self._ask(client, due)
        self.told[name].due += 1
        self.told[name].skipped += 1

    def _ask(self, client: Client, due: float):
        told = self.told[client.group.name]
        told.due += 1
        told.late_s.append(time.monotonic() - due)
        client.due = due
        client.waits = True
        self.waiting += 1
        try:
            client.send(query(f"select {client.number} from pg_sleep({self.hold_s})"))
        except ConnectionError:
            self._lose(client)

    def _until_rest(self, askers: list[Client], goes_on) -> dict[str, Told]:
        """These ask, and again while goes_on(client); until all have been answered."""
        for client in askers:
            self._ask(client, time.monotonic())
        deadline = max(time.monotonic(), self.end if self.end < NEVER else 0) + DEADLINE_S
        while self.waiting and time.monotonic() < deadline:
            for client in self._turn(deadline):
                if goes_on(client):
                    self._ask(client, time.monotonic())
        for client in self.clients.values():
            self.told[client.group.name].unanswered += client.waits
        return self.told

    def _turn(self, until: float) -> list[Client]:
        """Waits for what comes, at most until then. Who may ask now: has been answered, or has logged in."""
        now = time.monotonic()
        while self.lost and self.lost[0][0] <= now:
            self._connect(*self.lost.popleft()[1:])
        until = min(until, self.lost[0][0]) if self.lost else until
        rested = []
        for descriptor, _ in self.epoll.poll(max(until - now, 0) if until < NEVER else DEADLINE_S):
            client = self.clients[descriptor]
            try:
                if client.is_ready():
                    self._settle(client)
                    rested.append(client)
            except Closed:
                self._lose(client)
        return rested

    def _connect(self, group: Group, number: int) -> Client:
        client = Client(self.port, group, number)
        self.clients[client.socket.fileno()] = client
        self.epoll.register(client.socket, select.EPOLLIN)
        return client

    def _settle(self, client: Client):
        answers, client.answers = client.answers, Answers()
        if not client.waits:
            client.is_in = True
            return
        client.waits = False
        self.waiting -= 1
        now, told = time.monotonic(), self.told[client.group.name]
        if SHED in answers.sqlstates:
            told.shed_s.append(now - client.due)
        elif answers.sqlstates:
            told.errors.update(answers.sqlstates)
        elif answers.rows != [[str(client.number).encode()]]:
            told.wrong.append(f"client {client.number} is told {answers.rows}")
        else:
            told.answered_s.append(now - client.due)
            told.answered_by_end += now < self.end

    def _lose(self, client: Client):
        """It was disconnected, and comes back."""
        told = self.told[client.group.name]
        told.disconnects += client.is_in
        if client.waits or not client.is_in:
            told.errors.update(client.answers.sqlstates or [WORDLESS])
        self.waiting -= client.waits
        client.is_in = client.waits = False
        del self.clients[client.socket.fileno()]
        client.socket.close()
        self.lost.append((time.monotonic() + RECONNECT_S, client.group, client.number))
