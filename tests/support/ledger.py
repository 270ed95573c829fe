"""Transactions that are checked against what their clients were told: Ledger writes them, Ledger.check() compares.

    ledger = Ledger(pooler, clients=8, seed=1)
    with ledger:                             # clients write until the end of the block
        ledger.wait_for_progress(20)
    ledger.check(rows)                       # (id, part) of the table `ledger`

Every transaction inserts rows of its own id, some of them one row without a block. What a client knows at its end:

    done      COMMIT, or the statement by itself, was acknowledged: it is there exactly once
    refused   an error that says that it never ran (the queue's, or no connect): it is not there
    aborted   an error before COMMIT was sent: it is not there
    in doubt  the connection was lost behind COMMIT, or behind a statement by itself: there once, or not
"""

import random
import threading
from collections import Counter, defaultdict

from poolers import Pooler
from processes import wait_until
from wire import Closed, LoginRefused, Wire, bind, describe, execute, parse, query, SYNC

TABLE = "drop table if exists ledger; create table ledger (id int, part int); grant all on ledger to app"
NEVER_RAN = ("53300", "08001", "57P03")
ANSWER_DEADLINE_S = 40


class Lost(Exception):
    """The client's connection has ended: the SQLSTATE and text that it was told."""


class Refused(Exception):
    """The client is told that what it has asked was not done."""


class Ledger:
    def __init__(self, pooler: Pooler, clients: int, seed: int):
        self.pooler = pooler
        self.clients = clients
        self.seed = seed
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.fates: dict[int, tuple[str, int]] = {}  # of each transaction: what its client knows, and its rows
        self.errors: Counter[str] = Counter()
        self.broken: list[BaseException] = []
        self.next_id = 0

    def __enter__(self) -> "Ledger":
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def count(self, fate: str) -> int:
        with self.lock:
            return sum(each == fate for each, _ in self.fates.values())

    def wait_for_progress(self, transactions: int, deadline_s: float = 60):
        """Until so many more are done than now."""
        enough = self.count("done") + transactions
        wait_until(lambda: self.broken or self.count("done") >= enough, f"{transactions} transactions", deadline_s)
        if self.broken:
            raise self.broken[0]

    def check(self, rows: list[tuple[int, int]]) -> list[str]:
        """What is wrong with the table, in words."""
        found: dict[int, list[int]] = defaultdict(list)
        for id, part in rows:
            found[id].append(part)
        wrong = [f"{id} was never begun" for id in found.keys() - self.fates.keys()]
        for id, (fate, parts) in self.fates.items():
            there = sorted(found.get(id, []))
            may_be_there = fate in ("done", "in doubt")
            may_be_missing = fate != "done"
            if there == list(range(parts)):
                if not may_be_there:
                    wrong.append(f"{id} is there, though it was {fate}")
            elif there:
                wrong.append(f"{id} ({fate}, {parts} rows) is there as {there}")
            elif not may_be_missing:
                wrong.append(f"{id} is not there, though it was acknowledged")
        return wrong

    def _run(self, number: int):
        dice = random.Random(self.seed * 1000 + number)
        client = None
        try:
            while not self.stop.is_set():
                client = client or self._log_in()
                if client and not self._transaction(client, dice):
                    client.socket.close()
                    client = None
        except BaseException as broken:
            self.broken.append(broken)
        finally:
            if client:
                client.socket.close()

    def _log_in(self) -> Wire | None:
        try:
            client = Wire.login(self.pooler.port, "app", "secret", "app")
            client.socket.settimeout(ANSWER_DEADLINE_S)
            return client
        except (LoginRefused, Closed) as refused:
            self._note(f"login: {getattr(refused, 'sqlstate', 'closed')} {refused}")
            return None

    def _transaction(self, client: Wire, dice: random.Random) -> bool:
        """One; is the client still connected?"""
        with self.lock:
            id = self.next_id = self.next_id + 1
        parts = dice.choice([1, 1, 2, 3])
        is_block = parts > 1 or dice.random() < 0.3
        is_extended = dice.random() < 0.5
        self.fates[id] = ("in doubt", parts)
        at_stake = "in doubt"
        try:
            if is_block:
                at_stake = "aborted"
                self._ask(client, query("begin"))
                for part in range(parts):
                    self._ask(client, self._insert(id, part, is_extended))
                at_stake = "in doubt"
                self._ask(client, query("commit"))
            else:
                self._ask(client, self._insert(id, 0, is_extended))
            self._end(id, "done", parts)
        except Refused as refused:
            self._note(f"refused: {refused}")
            self._end(id, "refused", parts)
            if is_block:
                return self._roll_back(client)
        except Lost as lost:
            self._note(f"{at_stake}: {lost}")
            self._end(id, at_stake, parts)
            return False
        return True

    def _roll_back(self, client: Wire) -> bool:
        try:
            client.ask(query("rollback"))
            return True
        except Closed:
            return False

    def _end(self, id: int, fate: str, parts: int):
        with self.lock:
            self.fates[id] = (fate, parts)

    def _note(self, error: str):
        with self.lock:
            self.errors[error] += 1

    def _ask(self, client: Wire, messages: bytes):
        told = []
        try:
            client.send(messages)
            while not told or told[-1].kind != "Z":
                told.append(client.read())
        except (Closed, ConnectionError):
            errors = [answer.fields for answer in told if answer.kind == "E"]
            raise Lost(f"{errors[0]['C']} {errors[0]['M']}" if errors else "closed without a word") from None
        errors = [answer.fields for answer in told if answer.kind == "E"]
        if errors and errors[0]["C"] in NEVER_RAN:
            raise Refused(f"{errors[0]['C']} {errors[0]['M']}")
        if errors:
            raise AssertionError(f"an error that nothing here should cause: {errors[0]}")

    def _insert(self, id: int, part: int, is_extended: bool) -> bytes:
        if not is_extended:
            return query(f"insert into ledger values ({id}, {part})")
        statement = parse("", "insert into ledger values ($1::int, $2::int)")
        return statement + bind("", "", (id, part)) + describe("P", "") + execute() + SYNC
