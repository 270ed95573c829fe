"""What the chatbot is put on: Ballast, PgBouncer or nothing before a Neon of 0.25 CU that is ten milliseconds away.

    with Scene("ballast", server) as scene:
        scene.chatbot.port, scene.neon, scene.processes
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import quote

import lamp
from chatbot_process import Chatbot, init_db
from neon import ENDPOINT, ROLES, Neon, NeonPostgres
from poolers import Ballast, PgBouncer

RTT_MS = 10
WAKE_MS = 350
SERVERS = 5
# https://neon.com/docs/connect/connection-pooling: max_connections of 0.25 CU is 104, 7 of them are kept for Neon.
QUARTER_CU = {"max_connections": "104", "superuser_reserved_connections": "7"}
KNOBS = {"suspend_timeout_s": 0, "rtt_ms": RTT_MS, "wake_ms": WAKE_MS, "connect_ms": 3}
# The simulator's name is in no DNS, so that it can't be in SNI: Neon's other way is to say it with the password.
PASSWORD = f"endpoint={ENDPOINT};secret"


@dataclass(frozen=True)
class Way:
    """To the database, over SERVERS server connections where there is a pooler.

    `pool` is the chatbot's, where it is not its default; then it is in the name.
    """

    name: str
    pool: int | None = None
    mode: str = ""  # PgBouncer's

    @property
    def title(self) -> str:
        version = ".".join(map(str, PgBouncer.version())) if self.mode else ""
        return self.name.format(version=version)


# PgBouncer before 1.21 does not know prepared statements in transaction pooling, which asyncpg can't do without.
# How it can be used all the same is session pooling, with no more connections in the chatbot's pool than servers.
WAYS = {
    "ballast": Way("Ballast"),
    "pgbouncer": Way("PgBouncer {version}, transaction", mode="transaction"),
    "pgbouncer-session": Way(f"PgBouncer {{version}}, session ({SERVERS})", pool=SERVERS, mode="session"),
    "direct": Way("direct (200)", pool=200),
}


def a_quarter_cu() -> NeonPostgres:
    return NeonPostgres(settings=QUARTER_CU)


@dataclass
class Scene:
    way: str
    server: NeonPostgres
    settings: dict = field(default_factory=dict)  # Ballast's
    upstream: dict = field(default_factory=dict)  # parameters of Ballast's upstream URL
    chatbot_settings: dict = field(default_factory=dict)
    knobs: dict = field(default_factory=dict)

    def __enter__(self) -> "Scene":
        empty(self.server)
        with ExitStack() as stack:
            self.neon = stack.enter_context(Neon(self.server, **KNOBS | self.knobs))
            self.processes: dict[str, int] = {}
            url = self._open(stack)
            pool = WAYS[self.way].pool
            settings = ({"CHATBOT_POOL_SIZE": pool} if pool else {}) | self.chatbot_settings
            self.chatbot = stack.enter_context(Chatbot(url, **settings))
            self.processes["chatbot"] = self.chatbot.pid
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _open(self, stack: ExitStack) -> str:
        if self.way == "direct":
            return f"postgresql://app:{quote(PASSWORD)}@127.0.0.1:{self.neon.port}/app?sslmode=require"
        if self.way == "ballast":
            settings = lamp.QUIET | {"scale_to_zero": "on", "default_pool_size": SERVERS} | self.settings
            pooler = Ballast(self.neon, lamp.ACCOUNTS, settings, upstream=self.neon.url(**self.upstream))
        else:
            more = {"auth_type": "trust", "pool_mode": WAYS[self.way].mode, "default_pool_size": SERVERS}
            pooler = PgBouncer(self.neon, {"app": PASSWORD}, more)
        stack.enter_context(pooler)
        self.processes["pooler"] = pooler.pid
        return pooler.url()


def empty(server: NeonPostgres):
    """The chatbot's tables and its textbook, and nobody in them."""
    if "app" not in server.sql("select rolname from pg_roles").split():
        server.sql(ROLES)
    server.sql("drop schema public cascade; create schema public authorization app", "app")
    done = init_db(server.url("app", "secret", "app"))
    if done.returncode:
        raise RuntimeError(done.stderr)
