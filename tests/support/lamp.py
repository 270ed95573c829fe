"""A lamp: a Neon (tests/support/neon.py), and a Ballast before it.

    with Lamp(neon_server, {"wake_ms": 200}, {"default_pool_size": 5}) as lamp:
        lamp.pooler.url()                    # for clients
        lamp.neon.post("/suspend")
"""

import select
import socket
from contextlib import ExitStack

from neon import Neon, NeonPostgres
from poolers import Ballast
from wire import Wire

ACCOUNTS = {"app": "secret"}
QUIET = {"log_connections": 0, "log_disconnections": 0}


class Lamp:
    def __init__(self, server: NeonPostgres, knobs: dict = {}, settings: dict = {}, **url):
        """`knobs` of the simulator, which does not sleep by itself without them; `url`: see Neon.url."""
        self.server = server
        self.neon = Neon(server, **{"suspend_timeout_s": 0} | knobs)
        # Its name is none of Neon's, so that it has to be said that it sleeps.
        self.settings = QUIET | {"scale_to_zero": "on"} | settings
        self.more = url

    def __enter__(self) -> "Lamp":
        with ExitStack() as stack:
            stack.enter_context(self.neon)
            self.pooler = stack.enter_context(self.another_ballast())
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def another_ballast(self, **settings) -> Ballast:
        """Not started yet."""
        return Ballast(self.neon, ACCOUNTS, self.settings | settings, upstream=self.neon.url(**self.more))

    def client(self, user: str = "app", **startup) -> Wire:
        """A raw client that has logged in."""
        return Wire.login(self.pooler.port, user, ACCOUNTS.get(user, ""), "app", **startup)

    def told(self, row: int) -> int:
        """How often the simulator has told this row of the error table."""
        return self.neon.state()["errors_by_row"].get(str(row), 0)


def has_answer(client: Wire, within_s: float = 0) -> bool:
    """Has anything come that is not read yet?"""
    if client.received:
        return True
    return bool(select.select([client.socket], [], [], within_s)[0])


def hang_up(client: Wire):
    client.socket.shutdown(socket.SHUT_RDWR)
    client.socket.close()
