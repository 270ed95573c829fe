"""One client of the hunt: does random things to its session, and checks everything that it is told against its model.

Everything it does follows from the seed, its number and its turn. What it finds wrong it raises as Wrong, with its last
requests.
"""

import socket
import struct
import threading
from collections import deque
from random import Random

from model import RESETTABLE, Settings
from wire import (
    COPY_DONE,
    SYNC,
    TERMINATE,
    Answers,
    Closed,
    Wire,
    bind,
    cancel,
    close,
    copy_data,
    copy_fail,
    execute,
    parse,
    query,
)

SCHEMAS = [f"hunt_{number}" for number in range(5)]
ROLES = ["hunt_role_0", "hunt_role_1"]
CHANNELS = [f"channel_{number}" for number in range(8)]
ZONES = ["UTC", "Asia/Tokyo", "America/Lima", "Europe/Oslo"]
LONG = 400

WORLD = (
    "".join(f"create role {role}; grant {role} to app;" for role in ROLES)
    + "set role app; create table hunted (client int, word text); create sequence hunt_sequence;"
    + "".join(f"create schema {name}; create table {name}.place as select '{name}' as name;" for name in SCHEMAS)
    + "".join(f"grant usage on schema {name} to public; grant select on {name}.place to public;" for name in SCHEMAS)
    + "grant all on hunted, hunt_sequence to public;"
)


class Wrong(Exception):
    pass


class Shared:
    """What the clients of one hunt have in common: the way in, and how many may keep a server at a time."""

    def __init__(self, port: int, password: str, seed: int, pins: int):
        self.port = port
        self.password = password
        self.seed = seed
        self.pins = threading.BoundedSemaphore(pins)
        self.stop = threading.Event()


class Quarry:
    def __init__(self, number: int, shared: Shared):
        self.number = number
        self.shared = shared
        self.turn = 0
        self.requests: deque[str] = deque(maxlen=12)
        self.told_last: dict[str, int] = {}
        self.spoken = 0
        self.wire: Wire | None = None
        self.dice = self._dice()

    def live(self):
        self.connect()
        while not self.shared.stop.is_set():
            self.turn += 1
            self.dice = self._dice()
            deed = self.dice.choices(DEEDS, WEIGHTS)[0]
            try:
                deed(self)
            except Wrong:
                raise
            except (Closed, OSError, AssertionError, IndexError, struct.error) as broken:
                raise self.wrong(f"{deed.__name__}: {broken!r}") from broken
        if self.status == "I":
            self.look()
        self.wire.send(TERMINATE)
        self.wire.socket.close()

    def _dice(self) -> Random:
        return Random(f"{self.shared.seed}/{self.number}/{self.turn}")

    @property
    def token(self) -> str:
        return f"{self.number}/{self.turn}"

    def wrong(self, what: str) -> Wrong:
        lines = "\n".join(f"    {request[:300]}" for request in self.requests)
        return Wrong(f"client {self.number}, turn {self.turn}: {what}\n  its last requests:\n{lines}")

    # Talking ----------------------------------------------------------------------------------------------------------

    def connect(self):
        """A new session, with startup settings of its own."""
        options, startup, known = [], {}, {}
        if self.dice.random() < 0.5:
            known["timezone"] = startup["TimeZone"] = self.dice.choice(ZONES)
        else:
            startup["TimeZone"] = "UTC"
        if self.dice.random() < 0.5:
            known["search_path"] = self.dice.choice(SCHEMAS)
            options.append(f"-c search_path={known['search_path']}")
        if self.dice.random() < 0.3:
            known["work_mem"] = f"{self.dice.randint(1, 9)}MB"
            options.append(f"-c work_mem={known['work_mem']}")
        if self.dice.random() < 0.3:
            known["app.user_id"] = startup["app.user_id"] = f"starter {self.token}"
        if options:
            startup["options"] = " ".join(options)
        self.requests.append(f"-- connects with {startup}")
        self.wire = Wire.login(self.shared.port, "app", self.shared.password, "app", **startup)
        self.settings = Settings(known)
        self.statements: dict[str, str] = {}
        self.listening: set[str] = set()
        self.pending_listening: set[str] | None = None
        self.drawn: str | None = None
        self.status = "I"

    def ask(self, *messages: bytes, ready: int = 1, note: str = "") -> Answers:
        """Sends and reads; notifications are checked, everything else is the caller's."""
        self.requests.append(note or repr(b"".join(messages)))
        return self.take(self.wire.ask(*messages, ready=ready))

    def take(self, answers: Answers) -> Answers:
        for answer in answers:
            if answer.kind == "A":
                self.told(answer.body)
        found = Answers(answer for answer in answers if answer.kind != "A")
        if found.statuses:
            self.status = found.statuses[-1]
        return found

    def told(self, body: bytes):
        channel, payload, _ = body[4:].decode().split("\0")
        if channel not in self.listening and channel not in (self.pending_listening or ()):
            raise self.wrong(f"told of {payload!r} on {channel}, where it does not listen")
        sender, _, count = payload.partition(":")
        if self.told_last.get(f"{channel} {sender}", -1) >= int(count):
            raise self.wrong(f"{payload!r} on {channel} came after number {self.told_last[f'{channel} {sender}']}")
        self.told_last[f"{channel} {sender}"] = int(count)

    def run(self, sql: str) -> Answers:
        """A statement that succeeds, in one of the two protocols."""
        if self.dice.random() < 0.5 and ";" not in sql:
            answers = self.ask(parse("", sql), bind("", ""), execute(), SYNC, note=f"extended {sql}")
        else:
            answers = self.ask(query(sql), note=sql)
        if answers.sqlstates:
            raise self.wrong(f"{sql} fails: {answers.sqlstates[0]} {answers.error}")
        return answers

    def expect(self, found, wanted, what: str):
        if isinstance(found, dict) and isinstance(wanted, dict):  # only what differs
            found, wanted = dict(found.items() - wanted.items()), dict(wanted.items() - found.items())
        if found != wanted:
            raise self.wrong(f"{what}: found {found!r}, not {wanted!r}")

    def expect_failure(self, answers: Answers, sqlstate: str, what: str):
        self.expect(answers.sqlstates, [sqlstate], what)
        if self.status == "E":
            self.leave_failed_transaction()

    def leave_failed_transaction(self):
        if len(self.settings.layers) > 1 and self.dice.random() < 0.5:
            self.run("rollback to s")
            self.settings.rollback_to()
            return
        self.expect(self.run("commit").tags, ["ROLLBACK"], "the commit of a failed transaction")
        self.rolled_back()

    def rolled_back(self):
        self.settings.rollback()
        self.pending_listening = None

    # Settings ---------------------------------------------------------------------------------------------------------

    def look(self):
        """At everything at once."""
        names = list(self.settings.session)
        shown = ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in names)
        (row,) = self.run(f"select '{self.token}', current_user, {shown}").rows
        token, user, *found = (value.decode() for value in row)
        self.expect(token, self.token, "the answer's token")
        self.expect(dict(zip(names, found)), {name: self.settings.seen(name) for name in names}, "settings")
        role = self.settings.seen("role")
        self.expect(user, "app" if role == "none" else role, "current_user")

    def look_at_one(self):
        name = self.dice.choice(RESETTABLE)
        (row,) = self.run(f"select coalesce(current_setting('{name}', true), '')").rows
        self.expect(row[0].decode(), self.settings.seen(name), name)

    def look_by_search_path(self):
        path = self.settings.seen("search_path")
        answers = self.ask(query("select name from place"))
        if path in SCHEMAS:
            self.expect(answers.rows, [[path.encode()]], "the place")
        else:
            self.expect_failure(answers, "42P01", "the place where there is none")

    def some_change(self) -> tuple[str, str]:
        name = self.dice.choice(RESETTABLE)
        value = {
            "app.user_id": f'it\'s "{self.token}" \\ ü' + "x" * self.dice.choice([0, 0, LONG]),
            "application_name": f"Client {self.token}",
            "search_path": self.dice.choice(SCHEMAS),
            "timezone": self.dice.choice(ZONES),
            "work_mem": f"{self.dice.randint(1, 99)}MB",
            "statement_timeout": f"{self.dice.randint(61, 99)}s",
        }[name]
        return name, value

    def change(self):
        name, value = self.some_change()
        quoted = "'" + value.replace("'", "''") + "'"
        if self.dice.random() < 0.3:
            sql = "select set_config($1, $2, false)"
            answers = self.ask(parse("", sql), bind("", "", (name, value)), execute(), SYNC)
            self.expect(answers.rows, [[value.encode()]], "set_config")
        else:
            self.run(self.dice.choice([f"set {name} = {quoted}", f"select set_config('{name}', {quoted}, false)"]))
        self.settings.set(name, value)

    def change_locally(self):
        name, value = self.some_change()
        quoted = "'" + value.replace("'", "''") + "'"
        self.run(self.dice.choice([f"set local {name} = {quoted}", f"select set_config('{name}', {quoted}, true)"]))
        self.settings.set_local(name, value)

    def reset(self):
        if self.dice.random() < 0.3:
            self.run("reset all")
            self.settings.reset_all()
        else:
            name = self.dice.choice(RESETTABLE)
            if name == "app.user_id" and not self.settings.session[name]:
                return  # unknown to a direct connection
            self.run(f"reset {name}")
            self.settings.reset(name)

    def take_on_a_role(self):
        role = self.dice.choice([*ROLES, "none"])
        self.run(f"set role {role}")
        self.settings.set("role", role)

    def discard_all(self):
        if self.status != "I":
            return
        self.run("discard all")
        for name in self.settings.startup:
            self.settings.reset(name)
        self.statements.clear()
        self.listening.clear()
        self.drawn = None

    # Transactions -----------------------------------------------------------------------------------------------------

    def begin_or_end(self):
        if self.status == "I":
            self.run(self.dice.choice(["begin", "start transaction", "begin isolation level repeatable read"]))
            self.settings.begin()
            self.expect(self.status, "T", "the status behind a begin")
            self.pending_listening = set(self.listening)
        elif self.dice.random() < 0.6:
            self.listening, self.pending_listening = self.pending_listening, None
            self.expect(self.run("commit").tags, ["COMMIT"], "the tag of a commit")
            self.settings.commit()
        else:
            self.run("rollback")
            self.rolled_back()

    def savepoint(self):
        if self.status != "T":
            return
        if len(self.settings.layers) == 1:
            self.run("savepoint s")
            self.settings.savepoint()
        elif self.dice.random() < 0.5:
            self.run("rollback to s")
            self.settings.rollback_to()
        else:
            self.run("release s")
            self.settings.release()

    # Errors, cancels, ends --------------------------------------------------------------------------------------------

    def fail(self):
        request, sqlstate = self.dice.choice([
            (query("select 1 / 0"), "22012"),
            (query("selec 1"), "42601"),
            (query(f"set app.user_id = 'never'; select '{self.token}'::int"), "22P02"),
            (parse("", "select $1::int") + bind("", "", (self.token,)) + execute() + SYNC, "22P02"),
            (bind("", "never prepared") + execute() + SYNC, "26000"),
            (query("set timezone = 'Mars'"), "22023"),
        ])  # fmt: skip
        self.expect_failure(self.ask(request), sqlstate, "an error")

    def be_cancelled(self):
        self.requests.append("select pg_sleep(30) -- cancelled")
        self.wire.send(query("select pg_sleep(30)"))
        over = threading.Event()

        def until_it_is_heard():  # a cancel that comes before the query has begun finds nothing to cancel
            while not over.is_set():
                cancel(self.shared.port, self.wire.process, self.wire.secret)
                over.wait(0.1)

        thread = threading.Thread(target=until_it_is_heard)
        thread.start()
        try:
            answers = self.take(self.wire.read_until("Z"))
        finally:
            over.set()
            thread.join()
        self.expect_failure(answers, "57014", "a cancelled query")

    def cancel_nothing(self):
        """While idle: hits nobody."""
        self.requests.append("-- cancels while idle")
        cancel(self.shared.port, self.wire.process, self.wire.secret)
        self.look()

    def vanish(self):
        """In the middle of whatever it is in, and sometimes of a request."""
        last = self.dice.choice([
            b"",
            TERMINATE,
            query("select pg_sleep(0.05)"),
            query("begin; set work_mem = '99MB'; select 1"),
            query("select repeat('x', 100) from generate_series(1, 10000)"),
            query("select 'half a message'")[:-7],
            query("copy public.hunted from stdin") + copy_data(b"-1\tnever\n"),
            parse("", "set app.user_id = 'never'") + bind("", "") + execute(),
        ])  # fmt: skip
        self.requests.append(f"-- vanishes behind {last!r}")
        self.wire.send(last)
        if self.dice.random() < 0.5:  # with a reset instead of an end
            self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wire.socket.close()
        self.told_last.clear()
        self.connect()

    # Statements -------------------------------------------------------------------------------------------------------

    def prepare(self):
        name = f"s{self.dice.randrange(6)}"
        if name in self.statements:
            end = close("S", name) + SYNC if self.dice.random() < 0.7 else query(f"deallocate {name}")
            answers = self.ask(end)
            self.expect(answers.sqlstates, [], "the end of a statement")
            del self.statements[name]
            return
        word = f"kind {self.dice.randrange(50)}"
        answers = self.ask(parse(name, f"select $1::text || ' of {word}', current_setting('work_mem')"), SYNC)
        self.expect(answers.sqlstates, [], "a prepare")
        self.statements[name] = word

    def use_a_statement(self):
        if not self.statements:
            return self.look_at_one()
        batch, wanted = [], []
        for number in range(self.dice.choice([1, 1, 3])):
            name = self.dice.choice(list(self.statements))
            batch += [bind("", name, (f"{self.token} {number}",)), execute()]
            word = f"{self.token} {number} of {self.statements[name]}"
            wanted.append([word.encode(), self.settings.seen("work_mem").encode()])
        self.expect(self.ask(*batch, SYNC).rows, wanted, "statements")

    def use_anothers_statement(self):
        missing = next((name for name in ("s0", "s1", "s2", "s3", "s4", "s5") if name not in self.statements), None)
        if missing:
            answers = self.ask(bind("", missing, (self.token,)), execute(), SYNC)
            self.expect_failure(answers, "26000", "a statement that this client has not prepared")

    # Notifications ----------------------------------------------------------------------------------------------------

    def listen(self):
        if len(self.settings.layers) > 1:
            return  # a savepoint would have a say
        channel = self.dice.choice(CHANNELS)
        heard = self.listening if self.pending_listening is None else self.pending_listening
        if channel in heard:
            gone = {channel} if self.dice.random() < 0.8 else set(heard)
            self.run("unlisten *" if len(gone) > 1 else f"unlisten {channel}")
            heard -= gone
        else:
            heard.add(channel)  # told from the moment it is committed, before it is answered
            self.run(f"listen {channel}")

    def speak(self):
        self.spoken += 1
        self.run(f"notify {self.dice.choice(CHANNELS)}, '{self.number}:{self.spoken}'")

    def hear_itself(self):
        """What it says on a channel of its own, it hears, whatever else it hears before."""
        if self.status != "I":
            return
        channel = f"own_{self.number}"
        self.listening.add(channel)
        self.run(f"listen {channel}")
        self.spoken += 1
        payload = f"{self.number}:{self.spoken}"
        self.run(f"notify {channel}, '{payload}'")
        while self.told_last.get(f"{channel} {self.number}") != self.spoken:
            self.take(self.wire.read_until("A"))
        self.run(f"unlisten {channel}")
        self.listening.discard(channel)

    # COPY, sequences --------------------------------------------------------------------------------------------------

    def copy_in_and_out(self):
        self.requests.append("copy public.hunted from stdin")
        self.wire.send(query("copy public.hunted from stdin"))
        answers = self.take(self.wire.read_until("GZ"))
        lines = [f"{self.number}\t{self.token} {number}\n".encode() for number in range(self.dice.choice([1, 20]))]
        if answers[-1].kind != "G":
            raise self.wrong(f"no copy: {answers}")
        if self.dice.random() < 0.3:
            answers = self.ask(copy_data(lines[0]), copy_fail("a change of mind"))
            self.expect_failure(answers, "57014", "a copy given up")
            return
        self.expect(self.ask(*map(copy_data, lines), COPY_DONE).tags, [f"COPY {len(lines)}"], "a copy")
        mine = f"select word from public.hunted where word like '{self.token} %' order by length(word), word"
        rows = [answer.body for answer in self.run(f"copy ({mine}) to stdout") if answer.kind == "d"]
        wanted = sorted((line.split(b"\t")[1] for line in lines), key=lambda word: (len(word), word))
        self.expect(rows, wanted, "what was copied")
        self.run(f"delete from public.hunted where client = {self.number} and word like '{self.token} %'")

    def draw(self):
        if self.dice.random() < 0.5:
            self.drawn = self.run("select nextval('public.hunt_sequence')").rows[0][0]
        answers = self.ask(query("select currval('public.hunt_sequence')"))
        if answers.sqlstates or self.drawn is None:
            self.expect_failure(answers, "55000", "currval of what was never drawn here")
        else:
            self.expect(answers.rows, [[self.drawn]], "currval")

    # What keeps a server ----------------------------------------------------------------------------------------------

    def keep_a_server(self):
        if self.status != "I" or not self.shared.pins.acquire(blocking=False):
            return self.look_at_one()
        try:
            ways = [Quarry.lock, Quarry.use_a_temporary_table, Quarry.hold_a_cursor, Quarry.prepare_by_sql]
            self.dice.choice(ways)(self)
        finally:
            self.shared.pins.release()

    def lock(self):
        key, other = self.dice.randrange(4), 1 + self.number
        (row,) = self.run(f"select pg_try_advisory_lock({key}), pg_try_advisory_lock({other}, 2)").rows
        self.expect(row[1], b"t", "a lock that only this client takes")
        self.change()
        self.look()
        if row[0] == b"t":
            self.expect(self.run(f"select pg_advisory_unlock({key})").rows, [[b"t"]], "an unlock")
        self.expect(self.run(f"select pg_advisory_unlock({other}, 2)").rows, [[b"t"]], "an unlock")

    def use_a_temporary_table(self):
        self.run(f"create temp table mine as select '{self.token}' as word")
        self.expect(self.run("select word from mine").rows, [[self.token.encode()]], "a temporary table")
        self.change()
        self.expect(self.run("table mine").rows, [[self.token.encode()]], "a temporary table")
        self.run("drop table pg_temp.mine")
        self.expect(self.ask(query("select from mine")).sqlstates, ["42P01"], "a temporary table that is gone")

    def hold_a_cursor(self):
        self.run(f"declare held cursor with hold for select '{self.token}' from generate_series(1, 4)")
        for _ in range(2):
            self.expect(self.run("fetch 2 from held").rows, [[self.token.encode()]] * 2, "a cursor")
        self.run("close held")

    def prepare_by_sql(self):
        self.run(f"prepare mine as select '{self.token}'")
        for _ in range(2):
            self.expect(self.run("execute mine").rows, [[self.token.encode()]], "a statement prepared by SQL")
        self.run("deallocate mine")


FREQUENCIES = {
    Quarry.look: 12,
    Quarry.look_at_one: 12,
    Quarry.look_by_search_path: 6,
    Quarry.change: 14,
    Quarry.change_locally: 6,
    Quarry.reset: 4,
    Quarry.take_on_a_role: 3,
    Quarry.discard_all: 1,
    Quarry.begin_or_end: 22,
    Quarry.savepoint: 8,
    Quarry.fail: 4,
    Quarry.be_cancelled: 0.5,
    Quarry.cancel_nothing: 0.5,
    Quarry.vanish: 1,
    Quarry.prepare: 5,
    Quarry.use_a_statement: 10,
    Quarry.use_anothers_statement: 2,
    Quarry.listen: 4,
    Quarry.speak: 5,
    Quarry.hear_itself: 2,
    Quarry.copy_in_and_out: 4,
    Quarry.draw: 4,
    Quarry.keep_a_server: 3,
}
DEEDS, WEIGHTS = list(FREQUENCIES), list(FREQUENCIES.values())
