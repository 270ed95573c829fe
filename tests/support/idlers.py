"""Clients that have asked something once and then rest, while an hour passes for Neon.

    idle_hour(neon, [client, ...])       # simulated seconds for which the compute was awake
"""

from neon import Neon
from wire import SYNC, Wire, bind, describe, execute, parse, query

SUSPEND_TIMEOUT_S = 300
AWAKE_SCALE = 150  # the time until it sleeps is measured: a tenth of a second of the machine's is a quarter of a minute
ASLEEP_SCALE = 2000
HOUR_S = 3600
KNOBS = {"suspend_timeout_s": SUSPEND_TIMEOUT_S, "count_statistics": True}
# What Ballast does by itself is on the machine's clock: its defaults, as much faster as Neon's.
SETTINGS = {
    "default_pool_size": 5,
    "server_idle_timeout": 4,
    "server_lifetime": 24,
    "server_check_delay": 0.4,
    "server_check_timeout": 0.5,
    "server_login_retry": 0.1,
}


def ask_plainly(client: Wire, number: int):
    assert client.value("select 1") == "1"


def prepare(client: Wire, number: int):
    name = f"statement-{number % 7}"
    asked = parse(name, f"select $1::int + {number % 7}") + describe("S", name)
    told = client.ask(asked + bind("", name, (1,)) + execute() + SYNC)
    assert told.rows == [[str(1 + number % 7).encode()]]


def listen(client: Wire, number: int):
    assert client.ask(query(f"listen channel_{number % 10}")).types == "CZ"


def idle_hour(neon: Neon, clients: list[Wire], ask) -> dict:
    """Each asks, then none; Neon's state an hour later."""
    for number, client in enumerate(clients):
        ask(client, number)
    neon.post("/clock", scale=AWAKE_SCALE)
    began = neon.state()["now"]
    neon.wait_for(lambda state: state["state"] == "IDLE" or state["now"] > began + HOUR_S, "it sleeps", deadline_s=60)
    neon.post("/clock", scale=ASLEEP_SCALE)
    return neon.wait_for(lambda state: state["now"] > began + HOUR_S, "an hour has passed", deadline_s=60)
